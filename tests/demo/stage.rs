//! What runs behind the scenes, and the few ways in which they look at it.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use kube::{Api, Client, api::DynamicObject};
use psg_tests::support::{
    ControlPlane, Operator, TenantSim, User, binaries, install,
    kubectl::Printed,
    kubernetes::{condition, ours},
    namespace::Namespace,
    simulator::Simulator,
    until,
    wait::Look,
};
use serde_json::{Value, json};

use crate::{Broken, calls::Calls, screen::Screen};

/// How long a scene waits for what should take seconds; the machine may be busy.
const PATIENCE: Duration = Duration::from_mins(1);
/// The timers that the operator has without a flag; the tests' support shortens them.
const DEFAULTS: [&str; 3] = ["--settle=30s", "--confirm-gap=10s", "--post-timeout=8s"];
const SEED: &str = "src/simulator/seeds/acme.yaml";

/// Everything that was started.
pub struct Stage<'a> {
    /// Where it is told.
    pub screen: &'a Screen,
    /// The simulated tenant's control port.
    pub tenant: TenantSim,
    /// Where the groups are.
    pub namespace: String,
    client: Client,
    operator: Option<Operator>,
    /// On a cluster that was there before us the namespace goes, however the demo ends.
    _borrowed: Option<Namespace>,
    simulator: Simulator,
    plane: Plane,
    seen: u64,
}

/// Ours, or one that was there before.
enum Plane {
    Own(Box<ControlPlane>),
    Existing(&'static ControlPlane),
}

impl Plane {
    fn get(&self) -> &ControlPlane {
        match self {
            Self::Own(plane) => plane,
            Self::Existing(plane) => plane,
        }
    }
}

impl<'a> Stage<'a> {
    /// Starts everything, and says what and how long it took.
    pub async fn start(screen: &'a Screen) -> Result<Self, Broken> {
        screen.scene(
            "A cluster, a tenant and an operator",
            "Everything is real but the tenant: it is simulated, and keeps a ledger of every call. \
             Lines with kubectl are run as they stand; curl and kill stand for what the demo does \
             itself.",
        );
        let timed = |what: &str, begin: Instant| {
            screen.kept(&format!("{what}: {:.1} s", begin.elapsed().as_secs_f64()));
        };
        binaries::own("psg-operator");
        let begin = Instant::now();
        let plane = if std::env::var_os("PSG_TEST_KUBECONFIG").is_some() {
            Plane::Existing(ControlPlane::shared().await)
        } else {
            Plane::Own(Box::new(ControlPlane::own().await))
        };
        let what = match plane {
            Plane::Own(_) => "etcd, kube-apiserver and kube-controller-manager, with both kinds",
            Plane::Existing(_) => "both kinds, in the cluster of PSG_TEST_KUBECONFIG",
        };
        timed(what, begin);
        let begin = Instant::now();
        let simulator = Simulator::start(&["--seed", SEED]);
        let tenant = simulator.seeded("acme", "psg-operator", "not-a-secret");
        timed(&format!("identity-simulator --seed {SEED}"), begin);
        let client = plane.get().client(User::Admin).await;
        let borrowed = match &plane {
            Plane::Own(_) => None,
            Plane::Existing(plane) => Some(plane.namespace("psg-demo").await),
        };
        let namespace = borrowed.as_deref().unwrap_or("identity").to_owned();
        let mut stage = Self {
            screen,
            tenant,
            namespace,
            client,
            operator: None,
            _borrowed: borrowed,
            simulator,
            plane,
            seen: 0,
        };
        if matches!(stage.plane, Plane::Own(_)) {
            stage.run(&["create", "namespace", "identity"]).await?;
        }
        install::lease_rights(&stage.client, &stage.namespace).await;
        let begin = Instant::now();
        stage.start_operator().await;
        timed(
            "psg-operator, with the rights of config/rbac and the default timers",
            begin,
        );
        Ok(stage)
    }

    /// Starts the operator, or starts it anew.
    pub async fn start_operator(&mut self) {
        self.operator = None;
        let namespaces = [self.namespace.as_str()];
        let started = Operator::start_with(self.plane.get(), &namespaces, &DEFAULTS, &[]);
        self.operator = Some(started.await);
    }

    /// The operator that runs or ran last.
    pub fn operator(&mut self) -> Result<&mut Operator, Broken> {
        self.operator
            .as_mut()
            .ok_or_else(|| "no operator".to_owned())
    }

    /// Prints a command, runs it, prints what it said; it must succeed.
    pub async fn kubectl(&self, args: &[&str]) -> Result<String, Broken> {
        let printed = self.show(args).await;
        match printed.status {
            0 => Ok(printed.stdout),
            status => Err(format!("kubectl ended with {status}: {}", printed.stderr)),
        }
    }

    /// The same for one that may fail.
    pub async fn show(&self, args: &[&str]) -> Printed {
        let quoted: Vec<String> = args.iter().map(|word| quote(word)).collect();
        let command = format!("kubectl {} -n {}", quoted.join(" "), self.namespace);
        self.screen.command(&command);
        let printed = self.typed(args).await;
        self.screen
            .result(&format!("{}{}", printed.stderr, printed.stdout));
        printed
    }

    /// A command that is not shown, whatever becomes of it.
    pub async fn typed(&self, args: &[&str]) -> Printed {
        self.plane
            .get()
            .kubectl(User::Admin, &self.namespace, args)
            .await
    }

    /// A command that is not worth showing.
    pub async fn run(&self, args: &[&str]) -> Result<String, Broken> {
        let printed = self.typed(args).await;
        match printed.status {
            0 => Ok(printed.stdout),
            _ => Err(printed.stderr),
        }
    }

    /// Says what is done at the simulator's control port.
    pub fn control(&self, method: &str, path: &str, body: Option<&Value>) {
        let at = format!("{}/tenants/acme/{path}", self.simulator.control());
        let body = body.map(|body| format!(" -d '{body}'")).unwrap_or_default();
        self.screen.command(&format!("curl -X {method} {at}{body}"));
        self.screen.gap();
    }

    /// Waits until a group's `Ready` has a reason and speaks of the present spec.
    pub async fn wait_reason(&self, name: &str, reason: &str) -> Result<DynamicObject, Broken> {
        self.wait(&format!("{name} to say {reason}"), async || {
            let group = self.group(name).await?;
            let ready = condition(&group, "Ready").cloned().unwrap_or(Value::Null);
            let current = ready["observedGeneration"].as_i64() == group.metadata.generation;
            if current && ready["reason"] == reason {
                Ok(group)
            } else {
                Err(group.data["status"].to_string())
            }
        })
        .await
    }

    /// Waits until the tenant was read.
    pub async fn wait_tenant(&self) -> Result<(), Broken> {
        let tenants: Api<DynamicObject> = ours(&self.client, &self.namespace, "IdentityTenant");
        self.wait("the tenant to be read", async || {
            let tenant = tenants.get("acme").await.map_err(|why| why.to_string())?;
            match condition(&tenant, "Ready") {
                Some(ready) if ready["status"] == "True" => Ok(()),
                _ => Err(tenant.data["status"].to_string()),
            }
        })
        .await
    }

    /// Waits until an Event of this reason is there, and shows it.
    pub async fn show_event(&self, name: &str, reason: &str) -> Result<String, Broken> {
        let fields = format!("--field-selector=involvedObject.name={name},reason={reason}");
        let columns = "--output=custom-columns=REASON:.reason,MESSAGE:.message";
        let get = ["get", "events", &fields, columns];
        self.wait(&format!("the Event {reason} of {name}"), async || {
            let printed = self.run(&get).await?;
            if printed.contains(reason) {
                Ok(())
            } else {
                Err(printed)
            }
        })
        .await?;
        self.kubectl(&get).await
    }

    /// A group as it is now.
    pub async fn group(&self, name: &str) -> Look<DynamicObject> {
        let groups: Api<DynamicObject> = ours(&self.client, &self.namespace, "PasswordSyncGroup");
        groups.get(name).await.map_err(|why| why.to_string())
    }

    /// Waits for anything; in vain, it says what was there instead and the operator's last words.
    pub async fn wait<T>(
        &self,
        what: &str,
        look: impl AsyncFnMut() -> Look<T>,
    ) -> Result<T, Broken> {
        until(PATIENCE, look).await.map_err(|seen| {
            let log = self.operator.as_ref().map(Operator::log_tail);
            let log = log.unwrap_or_default();
            format!("waited {PATIENCE:?} for {what}; seen last: {seen}\n{log}")
        })
    }

    /// Begins to count the tenant's calls.
    pub async fn begin_to_count(&mut self) {
        (_, self.seen) = Calls::since(&self.tenant, self.seen).await;
    }

    /// What the tenant was asked since.
    pub async fn calls(&mut self) -> Calls {
        let (calls, seen) = Calls::since(&self.tenant, self.seen).await;
        self.seen = seen;
        calls
    }

    /// Says what the tenant was asked since, and hands it over for a closer look.
    pub async fn end_of_scene(&mut self) -> Calls {
        let calls = self.calls().await;
        self.screen.note(&calls.shown());
        calls
    }

    /// Applies the Secret that the IdentityTenant names.
    pub async fn secret(&self) -> Result<(), Broken> {
        let tenant = &self.tenant;
        let pairs = [
            ("baseUrl", &tenant.base_url),
            ("clientId", &tenant.client_id),
            ("clientSecret", &tenant.client_secret),
        ];
        let pairs = pairs.map(|(key, value)| format!("--from-literal={key}={value}"));
        let mut args = vec!["create", "secret", "generic", "acme-pat"];
        args.extend(pairs.iter().map(String::as_str));
        self.kubectl(&args).await.map(drop)
    }

    /// What a person may do now.
    pub fn say_what_to_type(&self) {
        let plane = self.plane.get();
        let plugin = binaries::own("kubectl-psg");
        let folders = [plane.kubectl_path().parent(), plugin.parent()];
        let folders: Vec<String> = folders
            .into_iter()
            .flatten()
            .filter(|folder| !folder.as_os_str().is_empty())
            .map(|folder| folder.display().to_string())
            .collect();
        let (namespace, control) = (&self.namespace, self.simulator.control());
        self.screen.scene(
            "Yours",
            "It runs until Ctrl-C. In another terminal, in this folder:",
        );
        let kubeconfig = plane.kubeconfig(User::Admin);
        for line in [
            format!("export KUBECONFIG={}", shell(&kubeconfig)),
            format!("export PATH={}:$PATH", folders.join(":")),
            format!("export CONTROL={control}"),
            String::new(),
            format!("kubectl get psg,idt -n {namespace}"),
            format!("kubectl describe psg shared-password -n {namespace}"),
            format!("kubectl edit psg shared-password -n {namespace}"),
            format!("kubectl apply -f tests/demo/manifests/developers.yaml -n {namespace}"),
            "kubectl psg explain".to_owned(),
            format!("kubectl psg pause shared-password --for 10m -n {namespace}"),
            String::new(),
            "curl $CONTROL/tenants/acme                  # the whole tenant".to_owned(),
            "curl $CONTROL/tenants/acme/ledger/counts    # what it was asked".to_owned(),
            "curl -X POST $CONTROL/tenants/acme/faults -d \\".to_owned(),
            r#"  '{"match": "POST /password-sync-groups", "times": 1, "kind": "lost_answer"}'"#
                .to_owned(),
        ] {
            println!("  {line}");
        }
        self.screen.gap();
        self.screen
            .note("docs/simulator.md has everything that can be done to the tenant.");
    }

    /// Ends everything.
    pub async fn stop(mut self) -> Result<(), Broken> {
        self.screen.scene(
            "The end",
            "The operator finishes what it has in hand; then all stops.",
        );
        if let Plane::Existing(_) = self.plane {
            self.kubectl(&["delete", "psg", "--all", "--timeout=60s"])
                .await?;
        }
        let mut operator = self.operator.take().ok_or("no operator")?;
        // Ctrl-C in a terminal has reached it already.
        let status = operator.terminate().await;
        if !status.success() {
            return Err(format!(
                "the operator ended with {status}\n{}",
                operator.log_tail()
            ));
        }
        self.screen.kept("the operator has ended with status 0");
        Ok(())
    }
}

/// As one would have to type it.
fn quote(word: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_=./:,%+@".contains(letter);
    if word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{word}'")
    }
}

fn shell(path: &Path) -> String {
    quote(&path.display().to_string())
}

/// A group behind the API's back, as a person in the admin console leaves it.
pub fn edited(group: &Value, policy: &str, sources: &[&str]) -> Value {
    json!({
        "id": group["id"], "name": group["name"],
        "passwordPolicyId": policy, "sourceIds": sources,
    })
}
