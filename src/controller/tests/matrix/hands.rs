//! What other hands do to the world. Each says whether it really changed what is stored.

use identity_simulator::{
    CredentialPatch, FaultKind,
    model::{Group, Holder},
};

use super::super::{
    tenant::{SECRET, STANDARD, STRONG, source_id},
    world::World,
};

/// What is done, and whether anything came of it.
pub type Hand = fn(&World) -> bool;

/// Whether that changed anything in the cluster or in the tenant.
fn changes(world: &World, act: impl FnOnce(&World)) -> bool {
    let before = print(world);
    act(world);
    print(world) != before
}

/// All that another hand could change.
fn print(world: &World) -> String {
    let cluster = &world.cluster;
    let tenant = world.tenant.lock().unwrap();
    let groups: Vec<&Group> = tenant.state().groups.iter().collect();
    let sources: Vec<_> = tenant.state().sources.iter().collect();
    format!(
        "{} {} {} {groups:?} {sources:?}",
        cluster.groups.newest(),
        cluster.tenants.newest(),
        cluster.secret().version
    )
}

/// Another hand changes a resource, three times.
pub fn touched(world: &World) -> bool {
    let key = "example.com/touched";
    ["1", "2", "3"].iter().all(|number| {
        let value = Some((*number).to_owned());
        changes(world, |world| {
            world.cluster.groups.annotate("g", key, value);
        })
    })
}

/// A person takes the resource away by force.
pub fn removed(world: &World) -> bool {
    changes(world, |world| world.cluster.groups.remove_by_force("g"))
}

/// All that is in the namespace is deleted.
pub fn all_ends(world: &World) -> bool {
    changes(world, |world| world.cluster.delete("g"))
        & changes(world, |world| world.cluster.tenants.delete("default"))
        & changes(world, |world| world.cluster.set_secret(None))
}

/// What is in the namespace, and the resource was deleted before.
pub fn rest_ends(world: &World) -> bool {
    changes(world, |world| world.cluster.tenants.delete("default"))
        & changes(world, |world| world.cluster.set_secret(None))
}

pub fn dropped(world: &World) -> bool {
    changes(world, |world| world.drop_group("G"))
}

pub fn renamed(world: &World) -> bool {
    changes(world, |world| {
        world.edit_group("G", |group| "Else".clone_into(&mut group.name));
    })
}

/// A person gives our group another policy.
pub fn other_policy(world: &World) -> bool {
    changes(world, |world| {
        for name in ["G", "New"] {
            world.edit_group(name, |group| {
                group.password_policy_id = Some(STANDARD.to_owned());
            });
        }
    })
}

/// The same group, made by a stranger.
pub fn twin(world: &World) -> bool {
    changes(world, |world| _ = world.add_group("G", STRONG, &[0, 1, 2]))
}

/// A group of the name with other content; and the answer of ours is lost.
pub fn namesake_and_lost(world: &World) -> bool {
    world.strike("POST /password-sync-groups", 1, FaultKind::LostAnswer);
    changes(world, |world| _ = world.add_group("G", STRONG, &[4, 5]))
}

pub fn source_gone(world: &World) -> bool {
    changes(world, |world| {
        let now = (world.clock)();
        let mut tenant = world.tenant.lock().unwrap();
        tenant.state_mut().remove_source(&source_id(0), now);
    })
}

/// The first source has just these policies of its own.
fn holds(world: &World, policies: &[&str]) -> bool {
    let holder = |policy: &&str| Holder {
        policy_id: (*policy).to_owned(),
        ..Holder::default()
    };
    let holders = policies.iter().map(holder).collect();
    changes(world, |world| {
        let now = (world.clock)();
        let mut tenant = world.tenant.lock().unwrap();
        tenant.state_mut().set_holders(&source_id(0), holders, now);
    })
}

/// A person gives the first source what it is about to be given.
pub fn given_by_hand(world: &World) -> bool {
    holds(world, &[STRONG])
}

/// A person gives the first source another policy.
pub fn given_another(world: &World) -> bool {
    holds(world, &[STANDARD])
}

/// A person takes every policy of its own from the first source.
pub fn stripped(world: &World) -> bool {
    holds(world, &[])
}

pub fn secret_gone(world: &World) -> bool {
    changes(world, |world| world.cluster.set_secret(None))
}

pub fn secret_spoilt(world: &World) -> bool {
    changes(world, |world| world.cluster.set_secret(Some("")))
}

pub fn secret_back(world: &World) {
    world.cluster.set_secret(Some(SECRET));
}

/// The tenant no longer takes what the Secret holds, nor any token that it was given for.
pub fn rotated(world: &World) -> bool {
    let patch = CredentialPatch {
        client_secret: Some("n3w".to_owned()),
        ..CredentialPatch::default()
    };
    let mut tenant = world.tenant.lock().unwrap();
    tenant.revoke_tokens();
    tenant.patch_credentials(&patch).is_ok()
}

pub fn rotation_told(world: &World) {
    world.cluster.set_secret(Some("n3w"));
}

/// So many groups of strangers, each with two sources that nobody else has.
pub fn crowd(world: &World, groups: usize) {
    let now = (world.clock)();
    let mut tenant = world.tenant.lock().unwrap();
    for n in 0..groups {
        let source = |which: usize| format!("{:032x}", 8 + 2 * n + which);
        let group = Group {
            id: format!("00000000-0000-4000-8000-{n:012}"),
            name: format!("Crowd {n}"),
            password_policy_id: Some(STANDARD.to_owned()),
            source_ids: vec![source(0), source(1)],
            ..Group::default()
        };
        world.oracle.lock().unwrap().makers.another_hand(&group.id);
        tenant.store_group(group, now);
    }
}

/// A stranger's group that has the first source, and lets it go later.
pub const OLD_HOME: &str = "Old Home";

pub fn old_home(world: &World) {
    world.add_group(OLD_HOME, STANDARD, &[0, 4, 5]);
}

/// A stranger's group takes the first source as soon as ours is gone.
pub fn taken(world: &World) -> bool {
    changes(world, |world| {
        _ = world.add_group("New Home", STANDARD, &[0, 4]);
    })
}

pub fn let_go(world: &World) -> bool {
    changes(world, |world| {
        world.edit_group(OLD_HOME, |group| {
            group.source_ids = vec![source_id(4), source_id(5)];
        });
    })
}
