//! An alignment as one sentence for people, without the names of the policies. Its length is bounded:
//! a policy has few rules, and a witness shows only its beginning.

use std::fmt;

use psg_domain::Rule;

use super::Alignment;

impl fmt::Display for Alignment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Aligned => {
                f.write_str("each password that passes the group's policy passes the source's")
            }
            Self::Mismatched {
                witness,
                rule,
                others,
            } => {
                write!(
                    f,
                    "a password such as \"{witness}\" passes the group's policy and fails the source's ({rule})"
                )?;
                if others.is_empty() {
                    return Ok(());
                }
                write!(f, "; other passwords fail {}", list(others))
            }
            Self::Impossible { group, source } if source.is_empty() => {
                write!(f, "no password passes the group's policy ({})", list(group))
            }
            Self::Impossible { group, source } if group.is_empty() => {
                write!(
                    f,
                    "no password passes the source's policy ({})",
                    list(source)
                )
            }
            Self::Impossible { group, source } => write!(
                f,
                "no password passes both the group's policy ({}) and the source's ({})",
                list(group),
                list(source)
            ),
        }
    }
}

fn list(rules: &[Rule]) -> String {
    let rules: Vec<_> = rules.iter().map(Rule::to_string).collect();
    rules.join(", ")
}
