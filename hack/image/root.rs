//! The folder that the container has as its root: all that the image holds.

use std::{fs, path::Path};

use crate::{
    authorities,
    error::{At as _, Error},
};

/// Where rustls looks for the authorities of a Linux system.
pub const AUTHORITIES: &str = "etc/ssl/certs/ca-certificates.crt";
/// What the container runs.
pub const PROGRAM: &str = "psg-operator";

/// Makes the folder anew.
pub fn make(program: &Path, license: &Path, out: &Path) -> Result<(), Error> {
    let binary = fs::read(program).at(program)?;
    if wants_a_loader(&binary) {
        return Err(Error::NotStatic(program.to_path_buf()));
    }
    empty(out)?;
    let put = |name: &str, content: &[u8]| {
        let path = out.join(name);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).at(folder)?;
        }
        fs::write(&path, content).at(&path)
    };
    put(PROGRAM, &binary)?;
    put(AUTHORITIES, authorities::bundle().as_bytes())?;
    put("LICENSE", &fs::read(license).at(license)?)?;
    // For who copies the folder as it is, such as the Dockerfile.
    let program = out.join(PROGRAM);
    executable(&program).at(&program)
}

/// Removes what a folder has, and makes it.
pub fn empty(folder: &Path) -> Result<(), Error> {
    match fs::remove_dir_all(folder) {
        Err(why) if why.kind() != std::io::ErrorKind::NotFound => Err(why).at(folder),
        _ => fs::create_dir_all(folder).at(folder),
    }
}

fn executable(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))
}

/// Whether a program of 64 bits has a program header `PT_INTERP`. Other files are let through: tests
/// pack a few bytes.
fn wants_a_loader(elf: &[u8]) -> bool {
    const PT_INTERP: [u8; 4] = 3u32.to_le_bytes();
    let number = |at: usize, long: usize| {
        let bytes = elf.get(at..at.checked_add(long)?)?;
        let number = bytes
            .iter()
            .rev()
            .fold(0, |sum, byte| sum << 8 | usize::from(*byte));
        Some(number)
    };
    let headers = || Some((number(32, 8)?, number(54, 2)?, number(56, 2)?));
    if !elf.starts_with(b"\x7fELF\x02\x01") {
        return false;
    }
    headers().is_some_and(|(begin, size, count)| {
        let mut each = (0..count).filter_map(|index| begin.checked_add(index * size));
        each.any(|at| at.checked_add(4).and_then(|end| elf.get(at..end)) == Some(&PT_INTERP))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_needs_a_loader_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        // This test itself is linked as cargo does it by default.
        let own = std::env::current_exe().unwrap();
        let wrong = make(&own, &own, &folder.path().join("root")).unwrap_err();
        let said = wrong.to_string();
        assert!(said.contains("hack/release/program.sh"), "{said}");
        assert!(!folder.path().join("root").exists());
    }
}
