//! A change of a few manifests among many, planned without a cluster as a pull request is: what it costs.

use std::{
    io::Read,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;

use super::{leash::Folder, many, memory, simulator::TenantSim};

/// What one plan took.
#[derive(Debug)]
pub struct Planned {
    /// The plan.
    pub plan: Value,
    /// From start to end.
    pub took: Duration,
    /// The most memory that the program had, in bytes.
    pub peak: u64,
}

/// Plans that the first `changed` of so many groups of [`many::seed`] are renamed.
pub async fn renamed(tenant: &TenantSim, groups: usize, changed: usize) -> Planned {
    let folder = Folder::new("planned");
    let write = |name: &str, renamed: usize| {
        let at = folder.path().join(name);
        std::fs::create_dir(&at).expect("a folder");
        for n in 0..groups {
            let mut object = many::resource(n).data;
            object["apiVersion"] = "passwordsync.dev/v1alpha1".into();
            object["kind"] = "PasswordSyncGroup".into();
            object["metadata"] = serde_json::json!({"name": many::resource_name(n)});
            if n < renamed {
                object["spec"]["name"] = format!("Renamed {n}").into();
            }
            let file = at.join(format!("{}.json", many::resource_name(n)));
            std::fs::write(file, object.to_string()).expect("a file");
        }
        at
    };
    let (base, then) = (write("base", 0), write("then", changed));
    let mut command = tenant.plugin();
    command
        .args(["plan", "--allow-insecure-tenants", "-o", "json", "--base"])
        .arg(base)
        .arg("-f")
        .arg(then)
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let watched = tokio::task::spawn_blocking(move || watched(&mut command)).await;
    let (text, took, peak) = watched.expect("a plan");
    Planned {
        plan: serde_json::from_str(&text).expect("a plan as JSON"),
        took,
        peak,
    }
}

/// Runs a program to its end and looks at its memory meanwhile.
fn watched(command: &mut Command) -> (String, Duration, u64) {
    let began = Instant::now();
    let mut child = command.spawn().expect("the plugin");
    let mut stdout = child.stdout.take().expect("its output");
    let reads = std::thread::spawn(move || {
        let mut text = String::new();
        stdout.read_to_string(&mut text).expect("text");
        text
    });
    let mut peak = 0;
    while child.try_wait().expect("a child").is_none() {
        peak = peak.max(memory::of_process(child.id(), "VmHWM").unwrap_or(0));
        std::thread::sleep(Duration::from_millis(5));
    }
    let took = began.elapsed();
    (reads.join().expect("its output"), took, peak)
}
