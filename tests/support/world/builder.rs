//! What may differ from one world to another.

use serde_json::{Value, json};

use super::World;
use crate::support::{
    control_plane::ControlPlane,
    install,
    simulator::{self, TenantSim},
    users::User,
};

/// A world that is not started yet.
#[derive(Debug, Clone)]
pub struct Builder {
    name: String,
    seed: Value,
    spec: Value,
    flags: Vec<String>,
    user: User,
    operator: bool,
    audited: bool,
}

impl Builder {
    pub(super) fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            seed: simulator::acme(),
            spec: json!({"readInterval": "10s"}),
            flags: Vec::new(),
            user: User::Operator,
            operator: true,
            audited: false,
        }
    }

    /// What the tenant holds at first; the simulator's believable tenant otherwise.
    #[must_use]
    pub fn seed(mut self, seed: Value) -> Self {
        self.seed = seed;
        self
    }

    /// Fields of the IdentityTenant's spec besides the Secret: `{"rateLimit": …}`.
    #[must_use]
    pub fn tenant_spec(mut self, spec: Value) -> Self {
        self.spec = spec;
        self
    }

    /// A further flag of the operator, `--name=value`.
    #[must_use]
    pub fn flag(mut self, flag: &str) -> Self {
        self.flags.push(flag.to_owned());
        self
    }

    /// The operator may read Secrets in this namespace alone, and change none.
    #[must_use]
    pub fn confined(mut self) -> Self {
        self.user = User::Confined;
        self
    }

    /// The operator is started later, by [`World::restart`].
    #[must_use]
    pub fn without_operator(mut self) -> Self {
        self.operator = false;
        self
    }

    /// The test is about writes to Kubernetes, so it needs an audit log, whatever cluster is given.
    #[must_use]
    pub fn audited(mut self) -> Self {
        self.audited = true;
        self
    }

    /// Starts it all.
    pub async fn start(self) -> World {
        let plane = if self.audited {
            ControlPlane::audited().await
        } else {
            ControlPlane::shared().await
        };
        let client = plane.client(User::Admin).await;
        let namespace = plane.namespace(&self.name).await;
        install::lease_rights(&client, &namespace).await;
        if self.user == User::Confined {
            install::secret_rights(&client, &namespace).await;
        }
        let tenant = TenantSim::new(&self.name, self.seed).await;
        let mut world = World {
            plane,
            client,
            namespace,
            tenant,
            operator: None,
            flags: self.flags,
            user: self.user,
        };
        world.apply_secret("tenant").await;
        world.apply_tenant("default", "tenant", self.spec).await;
        if self.operator {
            world.restart().await;
        }
        world
    }
}
