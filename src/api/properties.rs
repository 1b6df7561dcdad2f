//! What must hold of every manifest and every status that can be stored, as functions over bytes:
//! for tests over the corpora, and for the targets of `fuzz/`.

use serde_json::{Value, json};

use crate::{
    PasswordSyncGroupSpec, PasswordSyncGroupStatus, held_of, merge_patch, merge_patch::apply,
    status_of,
};

/// The name of a corpus, and what must hold of each of its entries.
pub type Property = (&'static str, fn(&[u8]));

/// All of them.
pub const ALL: [Property; 2] = [("status", statuses), ("spec", specs)];

/// A status: its memory is written and read back unchanged, [`held_of`] finds that memory, and the
/// merge patch between two statuses turns one into the other.
pub fn statuses(bytes: &[u8]) {
    let Ok(stored) = serde_json::from_slice::<Value>(bytes) else {
        return;
    };
    let held = held_of(&stored);
    let Ok(status) = serde_json::from_value::<PasswordSyncGroupStatus>(stored) else {
        return;
    };
    let mut patched = json!(status);
    if let Some(patch) = merge_patch(&patched, &json!(PasswordSyncGroupStatus::default())) {
        apply(&mut patched, &patch);
    }
    assert_eq!(patched, json!(PasswordSyncGroupStatus::default()));
    let Ok(recorded) = status.recorded() else {
        return;
    };
    assert_eq!(held, recorded);
    // Texts that are only for people are cut the first time, and then stay as they are.
    let once = status_of(&recorded, status.conditions.clone());
    let again = once
        .recorded()
        .map(|once| status_of(&once, status.conditions));
    assert_eq!(again, Ok(once));
}

/// A manifest: it is accepted, or refused in one line of a bounded length.
pub fn specs(bytes: &[u8]) {
    let Ok(spec) = serde_json::from_slice::<PasswordSyncGroupSpec>(bytes) else {
        return;
    };
    match spec.desired() {
        Ok(desired) => assert!((2..=100).contains(&desired.sources.len())),
        Err(why) => {
            let why = why.to_string();
            assert!(why.chars().count() < 600 && !why.contains('\n'), "{why}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_hold_of_every_corpus() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus");
        for (name, holds) in ALL {
            let entries = std::fs::read_dir(format!("{folder}/{name}")).unwrap();
            let entries: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
            assert!(entries.len() >= 4, "{name}");
            for entry in entries {
                let bytes = std::fs::read(entry).unwrap();
                holds(&bytes);
                // Cut short, and with each of its bytes changed.
                for at in 0..bytes.len() {
                    holds(&bytes[..at]);
                    for odd in [b'0', b'"', b'n', b'[', b'\\', b'-'] {
                        let mut changed = bytes.clone();
                        changed[at] = odd;
                        holds(&changed);
                    }
                }
            }
        }
    }
}
