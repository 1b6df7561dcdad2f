//! The pages that a newcomer follows: every command of them is run as it stands, in order, against a
//! real API server, the operator and a simulated tenant.

use std::{fs, os::unix::fs::PermissionsExt, path::Path, process::Stdio};

use tokio::process::Command;

use crate::support::{
    User, World,
    binaries::{self, repository},
};

/// `kubectl psg plan` ends so if there is something to do, `status` and `doctor` if something waits.
const CHANGES: i32 = 2;

/// What a page has to run: its commands, and its manifest, which it says to save as `group.yaml`.
struct Page {
    commands: Vec<String>,
    manifest: Option<String>,
}

fn page(name: &str) -> Page {
    let text = fs::read_to_string(repository().join("docs").join(name)).unwrap();
    let blocks = |kind: &str| -> Vec<String> {
        let fence = format!("```{kind}\n");
        let parts = text.split(&fence).skip(1);
        parts
            .map(|part| part.split("```").next().unwrap().to_owned())
            .collect()
    };
    let lines = blocks("console");
    let commands = lines.iter().flat_map(|block| block.lines());
    Page {
        commands: commands
            .filter_map(|line| line.strip_prefix("$ "))
            .map(str::to_owned)
            .collect(),
        manifest: blocks("yaml").into_iter().next(),
    }
}

/// A shell in which `kubectl` is the one of this world, and `kubectl psg` takes its tenant's address,
/// which is plain HTTP at loopback.
struct Shell<'a> {
    world: &'a World,
    folder: tempfile::TempDir,
}

impl<'a> Shell<'a> {
    fn new(world: &'a World) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let plugin = binaries::own("kubectl-psg");
        let script = format!(
            "#!/bin/sh\ncase \"$1 $2\" in\n\
             'psg sources' | 'psg policies' | 'psg groups' | 'psg export' | 'psg plan' | 'psg doctor')\n\
             shift; exec '{}' \"$@\" --allow-insecure-tenants ;;\n\
             'psg '*) shift; exec '{}' \"$@\" ;;\n\
             esac\nexec '{}' \"$@\"\n",
            plugin.display(),
            plugin.display(),
            world.plane.kubectl_path().display()
        );
        let kubectl = folder.path().join("kubectl");
        fs::write(&kubectl, script).unwrap();
        fs::set_permissions(&kubectl, fs::Permissions::from_mode(0o755)).unwrap();
        std::os::unix::fs::symlink(repository().join("config"), folder.path().join("config"))
            .unwrap();
        Self { world, folder }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Runs a command; returns what it printed.
    async fn run(&self, command: &str) -> String {
        let [base_url, id, secret] = self.world.tenant.variables();
        let path = std::env::var("PATH").unwrap();
        let output = Command::new("bash")
            .args(["-c", command])
            .current_dir(self.path())
            .env("PATH", format!("{}:{path}", self.path().display()))
            .env("KUBECONFIG", self.world.plane.kubeconfig(User::Admin))
            .env("HOME", self.path())
            .envs([base_url, id, secret])
            .stdin(Stdio::null())
            .output()
            .await
            .unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (said, why) = (text(&output.stdout), text(&output.stderr));
        let tells = ["psg plan", "psg status"]
            .iter()
            .any(|it| command.contains(it));
        let code = output.status.code();
        let well = code == Some(0) || (tells && code == Some(CHANGES));
        assert!(well, "{command}\n{code:?}\n{said}\n{why}");
        said
    }

    /// Runs each command of a page; returns what each printed.
    async fn follow(&self, page: &Page) -> Vec<String> {
        if let Some(manifest) = &page.manifest {
            fs::write(self.path().join("group.yaml"), manifest).unwrap();
        }
        let mut said = Vec::new();
        for command in &page.commands {
            // The world has its own namespace and its own credentials.
            let ours = ["export SAIL_", "kubectl create namespace"];
            if ours.iter().any(|it| command.starts_with(it)) {
                continue;
            }
            let here = format!(" -n {}", &*self.world.namespace);
            said.push(self.run(&command.replace(" -n identity", &here)).await);
        }
        said
    }
}

#[tokio::test]
async fn the_first_group_is_made_by_the_commands_of_its_page() {
    let world = World::new("walkthrough").await;
    let page = page("first-group.md");
    assert!(page.commands.len() > 9, "{:?}", page.commands);
    let shell = Shell::new(&world);
    let said = shell.follow(&page).await.join("\n");
    assert!(said.contains("create group \"Shared Password\""), "{said}");
    let made = world.tenant.shown("Shared Password").await;
    assert_eq!(made.sources, ["Salesforce", "Workday"]);
}

#[tokio::test]
async fn a_tenant_is_adopted_by_the_commands_of_its_page_without_a_write() {
    let world = World::new("walkthrough-adopt").await;
    world.tenant.clear_ledger().await;
    let page = page("adopt.md");
    assert!(page.commands.len() > 5, "{:?}", page.commands);
    let shell = Shell::new(&world);
    let said = shell.follow(&page).await;
    assert_eq!(world.tenant.writes().await, [] as [&str; 0]);
    let observed = fs::read_dir(shell.path().join("groups")).unwrap().count();
    assert!(observed > 1, "{observed}");

    // As the last step says: one that is taken over writes nothing while it is identical.
    let plan = said.last().unwrap();
    assert!(plan.contains("nothing"), "{plan}");
}
