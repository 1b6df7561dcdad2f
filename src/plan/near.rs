//! "Did you mean …?": the names that are nearly what a reference says. Decides nothing.
//!
//! A tenant may have many names, and a manifest many references that match none of them. So the
//! work of one decision is counted in characters and ends at [`WORK`]: without a limit, one
//! manifest could block the process for any length of time. What was found is remembered with the
//! picture, so a later decision goes on with the references that are left.

/// How alike two names must be to be suggested, by Jaro and Winkler, from 0 to 1.
const ALIKE: f64 = 0.84;

/// How many names are suggested for one reference.
const SUGGESTED: usize = 3;

/// How many characters may occur in only one of two names that are compared.
const STRANGERS: u32 = 6;

/// The most pairs of characters that one decision compares: a millisecond, and enough for thirty
/// references that match none of a thousand names.
pub const WORK: usize = 1 << 18;

/// How many characters of a name are filtered in the time in which one pair is compared.
const FILTERED: usize = 8;

/// The search for all references of one manifest, which share one limit of work.
pub struct Search {
    left: usize,
}

impl Default for Search {
    fn default() -> Self {
        Self { left: WORK }
    }
}

impl Search {
    /// How much work was done.
    #[cfg(test)]
    pub fn spent(&self) -> usize {
        WORK - self.left
    }

    /// The names that are most like `wanted`, the best first; `None` once the work is used up.
    pub fn near<'a>(
        &mut self,
        wanted: &str,
        names: impl Iterator<Item = &'a str>,
    ) -> Option<Vec<String>> {
        let folded = wanted.to_lowercase();
        let (length, letters) = (folded.chars().count(), letters(wanted));
        let mut scored: Vec<(f64, &str)> = Vec::new();
        for name in names {
            self.spend(1)?;
            // A name in another script has up to four bytes a character.
            if name.len() < length / 2 || name.len() > 8 * length {
                continue;
            }
            self.spend(name.len() / FILTERED)?;
            let strangers = letters ^ self::letters(name);
            if strangers.count_ones() > STRANGERS {
                continue;
            }
            self.spend(name.len() * length)?;
            let score = strsim::jaro_winkler(&folded, &name.to_lowercase());
            if score >= ALIKE {
                scored.push((score, name));
            }
        }
        scored.sort_by(|(a, left), (b, right)| b.total_cmp(a).then(left.cmp(right)));
        let best = scored.into_iter().take(SUGGESTED);
        Some(best.map(|(_, name)| name.to_owned()).collect())
    }

    fn spend(&mut self, work: usize) -> Option<()> {
        let left = self.left.checked_sub(work);
        self.left = left.unwrap_or(0);
        left.map(drop)
    }
}

/// Which ASCII characters a name has, as a set of 64 places, some of them shared. By bytes, since
/// every name of a tenant is looked at; characters outside of ASCII are ignored.
fn letters(name: &str) -> u64 {
    let ascii = name.bytes().filter(u8::is_ascii);
    let places = ascii.map(|letter| letter.to_ascii_lowercase() % 64);
    places.fold(0, |set, place| set | 1 << place)
}

/// Where two names that look the same differ, in code points; nothing if visible ASCII shows it.
pub fn unseen_difference(wanted: &str, name: &str) -> Option<String> {
    let at = wanted
        .chars()
        .zip(name.chars())
        .position(|(one, other)| one != other)
        .unwrap_or_else(|| wanted.chars().count().min(name.chars().count()));
    let (one, other) = (wanted.chars().nth(at), name.chars().nth(at));
    let plain = |letter: Option<char>| letter.is_none_or(|letter| matches!(letter, ' '..='~'));
    let blank_end = matches!((one, other), (Some(' '), None) | (None, Some(' ')));
    if plain(one) && plain(other) && !blank_end {
        return None;
    }
    let point = |letter: Option<char>| {
        letter.map_or_else(
            || "nothing".to_owned(),
            |letter| format!("U+{:04X}", letter as u32),
        )
    };
    let (one, other) = (point(one), point(other));
    Some(format!("character {} is {other}, not {one}", at + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistyped_name_finds_its_own_and_a_strange_one_none() {
        let names = ["Salesforce", "Active Directory", "Workday", "SAP"];
        let near = |wanted| Search::default().near(wanted, names.into_iter()).unwrap();
        assert_eq!(near("Salesfroce"), ["Salesforce"]);
        assert_eq!(near("active directory"), ["Active Directory"]);
        assert_eq!(near("Work day"), ["Workday"]);
        assert!(near("Mainframe").is_empty());
    }

    #[test]
    fn the_worst_manifest_costs_no_more_than_any_other() {
        for many in [5_000, 50_000] {
            // All letters alike, so that no cheap filter helps.
            let names: Vec<String> = (0..many)
                .map(|at| format!("{}{at:06}", "abcdefgh".repeat(31)))
                .collect();
            let wanted = format!("{}x0123456", "abcdefgh".repeat(31));
            let mut search = Search::default();
            let began = std::time::Instant::now();
            for _ in 0..100 {
                search.near(&wanted, names.iter().map(String::as_str));
            }
            println!("{many} names, 100 references: {:?}", began.elapsed());
            assert!(search.spent() <= WORK, "{}", search.spent());
            let found = search.near(&wanted, names.iter().map(String::as_str));
            assert_eq!(found, None, "the work is used up");
        }
    }

    /// The work for one name.
    fn spent(wanted: &str, name: &str) -> usize {
        let mut search = Search::default();
        search.near(wanted, std::iter::once(name));
        search.spent()
    }

    #[test]
    fn a_name_of_another_length_or_of_other_letters_costs_next_to_nothing() {
        let ten = "a".repeat(10);
        let compared = |length| 1 + length / FILTERED + length * 10;
        for (length, cost) in [
            (4, 1),
            (5, compared(5)),
            (13, compared(13)),
            (80, compared(80)),
            (81, 1),
        ] {
            assert_eq!(spent(&ten, &"a".repeat(length)), cost, "{length}");
        }
        // Six letters that only one of the two has are compared, seven are not.
        assert_eq!(spent("abcdefghij", "defghijk12"), compared(10));
        assert_eq!(spent("abcdefghij", "efghijk123"), 1 + 10 / FILTERED);
    }

    #[test]
    fn letters_are_told_apart_and_large_ones_are_small_ones() {
        assert_eq!(letters(""), 0);
        assert_eq!(letters("abc").count_ones(), 3);
        assert_eq!(letters("a") | letters("b"), letters("abba"));
        assert_eq!(letters("Ab"), letters("aB"));
        assert_ne!(letters("a"), letters("b"));
        assert_eq!(letters("\u{fc}"), 0);
    }

    #[test]
    fn what_looks_the_same_is_told_by_its_code_points() {
        let composed = "Z\u{fc}rich AD";
        let decomposed = "Zu\u{308}rich AD";
        let told = unseen_difference(decomposed, composed).unwrap();
        assert_eq!(told, "character 2 is U+00FC, not U+0075");
        let blank = unseen_difference("AD\u{a0}1", "AD 1").unwrap();
        assert_eq!(blank, "character 3 is U+0020, not U+00A0");
        assert_eq!(unseen_difference("Salesfroce", "Salesforce"), None);
        assert_eq!(unseen_difference("Work day", "Workday"), None);
        let ends = unseen_difference("AD", "AD ").unwrap();
        assert_eq!(ends, "character 3 is U+0020, not nothing");
    }
}
