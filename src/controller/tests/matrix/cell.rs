//! A cell of the matrix: what strikes, what is claimed of it, and how the world ends.

use super::{
    super::{calls::Phase, scenarios::reason, tenant::STRONG, world::World},
    claims::Claim,
    faults::Fault,
};

pub struct Row {
    pub name: &'static str,
    pub how: &'static str,
    pub cell: fn(Phase) -> Cell,
}

pub enum Cell {
    Played(Vec<Play>),
    CannotOccur(&'static str),
}

pub struct Play {
    /// Which form of the fault, where a cell has several.
    pub form: &'static str,
    pub fault: Fault,
    pub claims: Vec<Claim>,
    pub end: End,
}

/// What must come of it once all is healed.
#[derive(Clone, Copy)]
pub enum End {
    /// What the manifest says; for a deletion, all undone.
    AsWanted,
    /// The resource is gone and there is no group.
    Undone,
    /// The resource was taken away by force, and its group is where it was.
    Left,
    Is(fn(&World) -> bool),
}

impl Cell {
    pub fn of(fault: Fault, claims: &[Claim]) -> Self {
        Self::Played(vec![form("", fault, claims)])
    }

    pub fn forms(plays: Vec<Play>) -> Self {
        Self::Played(plays)
    }

    pub fn ending(mut self, end: End) -> Self {
        if let Self::Played(plays) = &mut self {
            for play in plays {
                play.end = end;
            }
        }
        self
    }
}

pub fn form(form: &'static str, fault: Fault, claims: &[Claim]) -> Play {
    Play {
        form,
        fault,
        claims: claims.to_vec(),
        end: End::AsWanted,
    }
}

impl End {
    pub fn reached(self, world: &World, phase: Phase) -> bool {
        let gone = world.cluster.groups.get("g").is_none();
        let has = |name: &str, sources: &[&str]| {
            let groups = world.groups();
            let tenant = world.tenant.lock().unwrap();
            let mut named = tenant.state().groups_named(name);
            let ruled = named.all(|group| group.password_policy_id.as_deref() == Some(STRONG));
            let mut found = groups.iter().filter(|(known, _)| known == name);
            found.next().is_some_and(|(_, all)| {
                ruled
                    && all.iter().map(String::as_str).eq(sources.iter().copied())
                    && found.next().is_none()
            })
        };
        let none = || !has("G", &["A", "B", "C"]) && !has("New", &["A", "B", "D"]);
        let holders = world.holders();
        match self {
            Self::AsWanted if phase < Phase::Put => world.quiet() && has("G", &["A", "B", "C"]),
            Self::AsWanted if phase == Phase::Put => {
                world.quiet() && has("New", &["A", "B", "D"]) && holders["C"] == [STRONG]
            }
            Self::AsWanted => {
                gone && none()
                    && ["A", "B", "C"]
                        .iter()
                        .all(|name| holders[*name] == [STRONG])
            }
            Self::Undone => gone && none(),
            Self::Left => gone && (has("G", &["A", "B", "C"]) || has("New", &["A", "B", "D"])),
            Self::Is(holds) => holds(world),
        }
    }
}

/// The reason of the resource's `Ready`, in the end.
pub fn says(world: &World, wanted: &str) -> bool {
    reason(world, "g").as_deref() == Some(wanted)
}
