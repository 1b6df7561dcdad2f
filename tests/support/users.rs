//! Who talks to the server: one user for each role under test, and their kubeconfigs.
//!
//! A control plane of our own knows them by token. On an existing cluster its administrator
//! impersonates them, so that the same tests run there with the same rights.

use serde_json::{Value, json};

/// Somebody with a name, groups and rights of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum User {
    /// May do everything.
    Admin,
    /// The operator's process, with the rights that `config/rbac` gives and no more.
    Operator,
    /// The same, but it may read Secrets only where a Role lets it, and change none.
    Confined,
    /// A person with the cluster's role `view`.
    Viewer,
    /// A person with the cluster's role `edit`.
    Editor,
}

impl User {
    /// Everybody.
    pub const ALL: [Self; 5] = [
        Self::Admin,
        Self::Operator,
        Self::Confined,
        Self::Viewer,
        Self::Editor,
    ];

    /// The name that RBAC and the audit log know.
    pub fn name(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            // As an installation's own account is called, which its policies go by.
            Self::Operator => "system:serviceaccount:psg-system:psg-operator",
            Self::Confined => "psg-operator-confined",
            Self::Viewer => "viewer",
            Self::Editor => "editor",
        }
    }

    /// The group.
    pub fn group(self) -> &'static str {
        match self {
            Self::Admin => "system:masters",
            Self::Operator | Self::Confined => "psg-operators",
            Self::Viewer | Self::Editor => "people",
        }
    }

    fn token(self) -> String {
        format!("{}-token", self.name())
    }
}

/// The server's token file.
pub fn token_file() -> String {
    let line = |user: User| {
        format!(
            "{},{n},{n},{}\n",
            user.token(),
            user.group(),
            n = user.name()
        )
    };
    User::ALL.map(line).concat()
}

/// A kubeconfig for a control plane of our own.
pub fn by_token(server: &str, authority: &str, user: User) -> String {
    let config = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "psg",
        "clusters": [{"name": "psg", "cluster": {"server": server, "certificate-authority": authority}}],
        "users": [{"name": user.name(), "user": {"token": user.token()}}],
        "contexts": [{"name": "psg", "context": {"cluster": "psg", "user": user.name()}}],
    });
    serde_saphyr::to_string(&config).expect("YAML")
}

/// A kubeconfig for an existing cluster: its administrator in the name of somebody else.
pub fn by_impersonation(admin: &str, user: User) -> String {
    let mut config: Value = serde_saphyr::from_str(admin).expect("a kubeconfig");
    if user != User::Admin {
        for entry in config["users"].as_array_mut().into_iter().flatten() {
            entry["user"]["as"] = json!(user.name());
            entry["user"]["as-groups"] = json!([user.group()]);
        }
    }
    serde_saphyr::to_string(&config).expect("YAML")
}
