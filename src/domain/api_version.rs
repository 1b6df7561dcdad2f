//! The versions of the identity API.

use std::fmt;

/// A version of the identity API.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum ApiVersion {
    /// `/v3/…`
    #[default]
    V3,
    /// `/v2024/…`
    V2024,
    /// `/v2025/…`
    V2025,
    /// `/v2026/…`
    V2026,
    /// `/<resource>/v1/…`, each resource with a version of its own.
    V1,
}

impl ApiVersion {
    /// Every version.
    pub const ALL: [Self; 5] = [Self::V3, Self::V2024, Self::V2025, Self::V2026, Self::V1];

    /// As a manifest writes it; also what the vendor counts requests by.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::V3 => "v3",
            Self::V2024 => "v2024",
            Self::V2025 => "v2025",
            Self::V2026 => "v2026",
            Self::V1 => "v1",
        }
    }
}

impl fmt::Display for ApiVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_shown_as_a_manifest_writes_it() {
        let shown = ApiVersion::ALL.map(|version| version.to_string());
        assert_eq!(shown, ["v3", "v2024", "v2025", "v2026", "v1"]);
    }
}
