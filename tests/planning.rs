//! `kubectl psg plan`: what it says is what the operator then does, and it writes nothing itself.

use std::process::Output;

use serde_json::{Value, json};

use crate::support::{
    binaries, browser, leash::Folder, simulator::TenantSim, users::User, world::World,
};

const NEW: &str = "
name: Shared Password
passwordPolicyRef: {name: Corporate Strong}
sourceRefs: [{name: Salesforce}, {name: Workday}]
";
const THERE: &str = "
name: Support Tools
adoptionPolicy: Overwrite
passwordPolicyRef: {name: Corporate Strong}
sourceRefs: [{name: Zendesk}, {name: Box}]
";
/// As the tenant has it.
const AS_IT_IS: &str = "
name: Support Tools
passwordPolicyRef: {name: Cloud Standard}
sourceRefs: [{name: Zendesk}, {name: Box}]
";
const TYPO: &str = "
name: Typo
passwordPolicyRef: {name: Corporate Strong}
sourceRefs: [{name: Salesfroce}, {name: Box}]
";

fn manifest(name: &str, spec: &str) -> String {
    let spec = spec.trim().replace('\n', "\n  ");
    format!(
        "apiVersion: passwordsync.dev/v1alpha1\nkind: PasswordSyncGroup\nmetadata: {{name: {name}}}\n\
         spec:\n  {spec}\n---\n"
    )
}

/// Runs it without a cluster, over these manifests.
async fn plan(tenant: &TenantSim, secret: &str, manifests: &str, more: &[&str]) -> Output {
    let folder = Folder::new("plan");
    let file = folder.path().join("groups.yaml");
    std::fs::write(&file, manifests).unwrap();
    let mut command = tenant.plugin();
    command
        .args(["plan", "--allow-insecure-tenants", "-f"])
        .arg(&file)
        .args(more)
        .env("SAIL_CLIENT_SECRET", secret);
    let output = tokio::task::spawn_blocking(move || command.output());
    output.await.unwrap().unwrap()
}

/// The same with the tenant's own secret.
async fn plan_of(tenant: &TenantSim, manifests: &str, more: &[&str]) -> Output {
    plan(tenant, &tenant.client_secret, manifests, more).await
}

fn said(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn complained(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn document(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", complained(output)))
}

/// The requests of a plan in their order, as the simulator's ledger names them.
fn requests(plan: &Value) -> Vec<String> {
    let resources = plan["tenants"][0]["resources"].as_array().unwrap();
    let requests = resources
        .iter()
        .flat_map(|it| it["requests"].as_array().unwrap());
    let mut requests: Vec<&Value> = requests.collect();
    requests.sort_by_key(|request| request["order"].as_u64());
    let named = requests.iter().map(|request| {
        let (method, path) = (
            request["method"].as_str().unwrap(),
            request["path"].as_str().unwrap(),
        );
        let mut parts: Vec<&str> = path.split('/').collect();
        if let Some(id) = parts.get_mut(2) {
            *id = "{id}";
        }
        format!("{method} {}", parts.join("/"))
    });
    named.collect()
}

#[tokio::test]
async fn a_plan_says_what_the_operator_then_writes_and_writes_nothing() {
    let mut world = World::builder("planning").without_operator().start().await;
    let both = manifest("shared", NEW) + &manifest("support", THERE);
    let before = plan_of(&world.tenant, &both, &[]).await;
    let text = said(&before);
    assert_eq!(
        before.status.code(),
        Some(2),
        "{text}{}",
        complained(&before)
    );
    for line in [
        "default/shared: create group \"Shared Password\"",
        "  sources  + Salesforce",
        "           + Workday",
        "default/support: adopt group \"Support Tools\" (6881f631-3bd5-4213-9c75-8e05cc3e35dd)",
        "  policy   - Cloud Standard",
        "           + Corporate Strong",
        "  Workday                                1,790     0  becomes shared",
        "      before  Cloud Standard (its own)",
        "      after   Corporate Strong (group Shared Password)",
        "Nothing was written.",
    ] {
        assert!(text.lines().any(|said| said == line), "{line}\n{text}");
    }
    assert!(
        text.contains("1 to create, 1 to adopt, 1 to update"),
        "{text}"
    );
    assert!(
        text.lines().all(|line| line.chars().count() <= 90),
        "{text}"
    );
    let planned = document(&plan_of(&world.tenant, &both, &["-o", "json"]).await);
    assert_eq!(world.tenant.writes().await, Vec::<String>::new());
    world.restart().await;
    world.apply_group("shared", NEW).await;
    world.apply_group("support", THERE).await;
    world.wait_ready("shared").await;
    world.wait_ready("support").await;
    let mut writes = world.tenant.writes().await;
    let mut requests = requests(&planned);
    writes.sort();
    requests.sort();
    assert_eq!(writes, requests);
    let after = plan_of(&world.tenant, &both, &[]).await;
    assert!(said(&after).contains("2 to adopt."), "{}", said(&after));
    assert_eq!(world.tenant.writes().await.len(), 2);
}

/// What a pull request changes: one manifest is edited, one is removed, one is as it was.
#[tokio::test]
async fn two_states_of_a_repository_are_compared() {
    let tenant = TenantSim::acme("plan-base").await;
    let folder = Folder::new("plan-base");
    let base = folder.path().join("base.yaml");
    std::fs::write(&base, manifest("support", AS_IT_IS)).unwrap();
    let base = ["--base", base.to_str().unwrap()];
    let json = [&base[..], &["-o", "json"]].concat();
    let same = plan_of(&tenant, &manifest("support", AS_IT_IS), &base).await;
    assert_eq!(
        same.status.code(),
        Some(0),
        "{}{}",
        said(&same),
        complained(&same)
    );
    assert!(said(&same).contains("nothing changes"), "{}", said(&same));
    let edited = document(&plan_of(&tenant, &manifest("support", THERE), &json).await);
    assert_eq!(requests(&edited), ["PUT /password-sync-groups/{id}"]);
    let field = &edited["tenants"][0]["resources"][0]["fields"][0];
    assert_eq!(
        *field,
        json!({"field": "passwordPolicy", "was": ["Cloud Standard"], "willBe": ["Corporate Strong"]})
    );
    let removed = document(&plan_of(&tenant, &manifest("shared", NEW), &json).await);
    let mut sent = requests(&removed);
    sent.sort();
    assert_eq!(
        sent,
        [
            "DELETE /password-sync-groups/{id}",
            "PATCH /sources/{id}/password-policies",
            "POST /password-sync-groups",
        ]
    );
    let outcomes: Vec<&Value> = removed["tenants"][0]["resources"]
        .as_array()
        .unwrap()
        .iter()
        .map(|resource| &resource["outcome"])
        .collect();
    assert_eq!(outcomes, ["create", "delete"]);
    assert_eq!(tenant.writes().await, Vec::<String>::new());
}

#[tokio::test]
async fn with_a_cluster_what_the_status_records_and_what_others_hold_counts() {
    let world = World::new("plan-cluster").await;
    // A plan assumes that no policy comes back by itself.
    let silent = json!({"policy_after_leave": "previous_policy", "policy_while_grouped": "hidden"});
    world.tenant.switch(silent).await;
    world.apply_group("shared", NEW).await;
    world.wait_ready("shared").await;
    let written = world.tenant.writes().await;
    let plan = async |args: &[&str], manifests: &str| {
        let args = [&["psg", "plan", "--allow-insecure-tenants"], args].concat();
        let namespace = &world.namespace;
        let plane = world.plane;
        plane
            .kubectl_with(User::Admin, namespace, &args, manifests)
            .await
    };
    let same = plan(&["-f", "-"], &manifest("shared", NEW)).await;
    assert_eq!(same.status, 0, "{same:?}");
    let edit = NEW.replace("{name: Workday}", "{name: GitHub}");
    let edited = plan(&["-f", "-", "-o", "json"], &manifest("shared", &edit)).await;
    assert_eq!(edited.status, 2, "{edited:?}");
    let edited: Value = serde_json::from_str(&edited.stdout).unwrap();
    assert_eq!(
        requests(&edited),
        [
            "PUT /password-sync-groups/{id}",
            "PATCH /sources/{id}/password-policies",
        ]
    );
    let taken = plan(
        &["-f", "-"],
        &manifest("other", &NEW.replace("Shared", "Other")),
    )
    .await;
    assert_eq!(taken.status, 3, "{taken:?}");
    assert!(
        taken.stdout.contains("refused, OwnedByAnother"),
        "{taken:?}"
    );
    for (args, manifests) in [
        (&["--delete", "shared", "-o", "json"][..], String::new()),
        (
            &["--prune", "-f", "-", "-o", "json"],
            manifest("support", AS_IT_IS),
        ),
    ] {
        let gone = plan(args, &manifests).await;
        let gone: Value = serde_json::from_str(&gone.stdout).unwrap_or_else(|_| panic!("{gone:?}"));
        let sent = requests(&gone);
        assert_eq!(sent[0], "DELETE /password-sync-groups/{id}", "{gone:#}");
        assert_eq!(gone["summary"]["delete"], 1, "{gone:#}");
    }
    let absent = plan(&["--delete", "absent"], "").await.refused();
    assert!(
        absent.contains("there is no PasswordSyncGroup \"absent\""),
        "{absent}"
    );
    assert_eq!(world.tenant.writes().await, written);
    // The edit, for real: what was planned is what is sent.
    world.apply_group("shared", &edit).await;
    world.wait_ready("shared").await;
    assert_eq!(
        world.tenant.writes().await[written.len()..],
        requests(&edited)
    );
}

/// A viewer may read the resources, and no Secret.
#[tokio::test]
async fn who_may_not_read_the_secret_is_told_another_way() {
    let world = World::builder("plan-viewer")
        .without_operator()
        .start()
        .await;
    let args = ["psg", "plan", "--allow-insecure-tenants", "-f", "-"];
    let manifests = manifest("shared", NEW);
    let plane = world.plane;
    let viewer = plane
        .kubectl_with(User::Viewer, &world.namespace, &args, &manifests)
        .await;
    let error = viewer.refused();
    assert!(error.contains("you may not read Secret"), "{error}");
    assert!(error.contains("set SAIL_BASE_URL"), "{error}");
}

#[tokio::test]
async fn what_a_rule_refuses_and_what_cannot_be_read_have_codes_of_their_own() {
    let tenant = TenantSim::acme("plan-refused").await;
    let refused = plan_of(&tenant, &manifest("typo", TYPO), &[]).await;
    let text = said(&refused);
    assert_eq!(refused.status.code(), Some(3), "{text}");
    assert!(text.contains("did you mean \"Salesforce\"?"), "{text}");
    assert!(text.contains("refused, SourceNotFound"), "{text}");
    for (spec, objection) in [
        ("nmae: x".to_owned(), "spec.name: Required value"),
        (
            format!("{NEW}\nsources: []"),
            "unknown field \"spec.sources\"",
        ),
    ] {
        let refused = plan_of(&tenant, &manifest("a", &spec), &[]).await;
        let text = said(&refused);
        assert_eq!(refused.status.code(), Some(3), "{text}");
        assert!(text.contains("refused, InvalidSpec"), "{text}");
        let words: Vec<&str> = text.split_whitespace().collect();
        assert!(words.join(" ").contains(objection), "{text}");
    }
    let denied = plan(&tenant, "mistyped", &manifest("shared", NEW), &[]).await;
    let error = complained(&denied);
    assert_eq!(denied.status.code(), Some(1));
    assert!(error.contains("a token that is valid"), "{error}");
    assert!(
        !error.contains("mistyped") && !error.contains("not-a-secret"),
        "{error}"
    );
    let config = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n";
    for (manifests, args, remedy) in [
        (
            config.to_owned(),
            &[][..],
            "no PasswordSyncGroup in these files",
        ),
        (
            manifest("a", NEW) + &manifest("a", NEW),
            &[],
            "a is there twice",
        ),
        (manifest("a", NEW), &["--prune"], "need a cluster"),
        (manifest("a", NEW), &["--base", "/no/such"], "/no/such: "),
        (
            manifest("a", NEW),
            &["--allow-host", "https://x"],
            "give a plain domain",
        ),
        (
            manifest("a", NEW),
            &["--tenant", "default=/no/such"],
            "/no/such: ",
        ),
    ] {
        let wrong = plan_of(&tenant, &manifests, args).await;
        let error = complained(&wrong);
        assert_eq!(wrong.status.code(), Some(1), "{manifests}{error}");
        assert!(error.contains(remedy), "{remedy}: {error}");
    }
    assert_eq!(tenant.writes().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_file_of_credentials_leads_to_a_tenant_of_that_name() {
    let tenant = TenantSim::acme("plan-file").await;
    let folder = Folder::new("plan-file");
    let file = folder.path().join("acme.env");
    let content = format!(
        "# the tenant\nexport SAIL_BASE_URL={}\nSAIL_CLIENT_ID=\"{}\"\nSAIL_CLIENT_SECRET={}\n",
        tenant.base_url, tenant.client_id, tenant.client_secret
    );
    std::fs::write(&file, content).unwrap();
    let named = format!("default={}", file.display());
    let found = plan(
        &tenant,
        "mistyped",
        &manifest("shared", NEW),
        &["--tenant", &named],
    )
    .await;
    assert_eq!(found.status.code(), Some(2), "{}", complained(&found));
}

/// The commands of the example, in a repository with two branches.
#[tokio::test]
async fn the_example_for_pull_requests_writes_the_comment() {
    let tenant = TenantSim::acme("plan-pull").await;
    let file = binaries::repository().join("docs/examples/plan-on-pull-request.yaml");
    let text = std::fs::read_to_string(file).unwrap();
    let workflow: Value = serde_saphyr::from_str(&text).unwrap();
    let steps = workflow["jobs"]["plan"]["steps"].as_array().unwrap();
    let named = |name: &str| {
        let mut steps = steps.iter().filter(|step| step["name"] == name);
        let step = steps.next().unwrap_or_else(|| panic!("no step {name}"));
        step["run"].as_str().unwrap().to_owned()
    };
    let before = named("the manifests before the change");
    // The simulator is on loopback, which no tenant may be.
    let plan = named("plan").replace("psg plan", "psg plan --allow-insecure-tenants");
    let (was, is) = (manifest("support", AS_IT_IS), manifest("support", THERE));
    let script = format!(
        "set -e; mkdir groups; git init -q -b main .; git config user.email t@example.com
         git config user.name t; printf '%s' \"$WAS\" > groups/g.yaml; git add .; git commit -qm was
         git update-ref refs/remotes/origin/main main
         printf '%s' \"$IS\" > groups/g.yaml; git commit -qam is
         {before}
         {plan}"
    );
    let folder = Folder::new("plan-pull");
    let plane = crate::support::control_plane::ControlPlane::shared().await;
    let plugin = binaries::own("kubectl-psg");
    let path = std::env::var("PATH").unwrap();
    let kubectl = plane.kubectl_path().parent().unwrap();
    let path = format!(
        "{}:{}:{path}",
        plugin.parent().unwrap().display(),
        kubectl.display()
    );
    let mut command = tokio::process::Command::new("bash");
    command
        .args(["-c", &script])
        .current_dir(folder.path())
        .env("PATH", path)
        .env("WAS", was)
        .env("IS", is)
        .env("GITHUB_BASE_REF", "main")
        .envs(tenant.variables());
    let output = command.output().await.unwrap();
    assert!(output.status.success(), "{}", complained(&output));
    let comment = std::fs::read_to_string(folder.path().join("plan.md")).unwrap();
    assert!(
        comment.starts_with("### Password sync plan\n\n1 to update."),
        "{comment}"
    );
    assert!(
        comment.contains("policy + <code>Corporate Strong</code>"),
        "{comment}"
    );
}

/// Active Directory has a stronger policy of its own than the group.
#[tokio::test]
async fn a_password_that_only_the_groups_policy_admits_is_shown() {
    let tenant = TenantSim::acme("plan-aligned").await;
    let spec = NEW
        .replace("{name: Corporate Strong}", "{name: Cloud Standard}")
        .replace("{name: Workday}", "{name: Active Directory}");
    let plan = document(&plan_of(&tenant, &manifest("shared", &spec), &["-o", "json"]).await);
    let sources = &plan["tenants"][0]["sources"];
    let expected = "a password such as \"Abcdefgh1!\" passes the group's policy and fails the source's \
                    (minLength 14); other passwords fail minUpper 1, minLower 1, minNumeric 1, \
                    minSpecial 1";
    assert_eq!(
        sources[0]["alignment"],
        json!({"verdict": "mismatched", "message": expected, "undecided": ["useDictionary"]}),
        "{sources:#}"
    );
    assert_eq!(sources[1]["alignment"], Value::Null, "{sources:#}");
}

/// A browser reads the matrix of sources and groups back as it was meant.
#[tokio::test]
async fn a_browser_shows_who_joins_and_who_leaves() {
    let tenant = TenantSim::acme("plan-page").await;
    let folder = Folder::new("plan-page");
    let base = folder.path().join("base.yaml");
    std::fs::write(&base, manifest("support", AS_IT_IS)).unwrap();
    let args = ["--base", base.to_str().unwrap(), "-o", "html"];
    let edit = AS_IT_IS.replace("{name: Box}", "{name: GitHub}");
    let manifests = manifest("support", &edit) + &manifest("shared", NEW);
    let page = said(&plan_of(&tenant, &manifests, &args).await);
    let file = folder.path().join("plan.html");
    std::fs::write(&file, page).unwrap();
    let Some(shown) = browser::shown(&file).await else {
        return;
    };
    let matrix: Vec<Vec<String>> = browser::table(&shown, "matrix");
    let row = |cells: [&str; 3]| cells.map(str::to_owned).to_vec();
    assert_eq!(
        matrix,
        [
            row(["source", "Shared Password", "Support Tools"]),
            row(["Box", "", "−"]),
            row(["GitHub", "", "+"]),
            row(["Salesforce", "+", ""]),
            row(["Workday", "+", ""]),
            row(["Zendesk", "", "●"]),
        ],
        "{shown}"
    );
}
