//! A folder as one layer: an archive of tar, compressed by gzip, the same for the same files.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
};

use flate2::{Compression, GzBuilder};
use tar::{Builder, EntryType, Header};

use crate::{
    error::{At as _, Error},
    root::PROGRAM,
};

/// A layer, and what it is before it is compressed: an image names both by their digests.
pub struct Layer {
    /// The archive.
    pub archive: Vec<u8>,
    /// The same, compressed.
    pub compressed: Vec<u8>,
}

/// Packs a folder.
pub fn pack(root: &Path) -> Result<Layer, Error> {
    let mut paths = Vec::new();
    walk(root, &mut paths)?;
    paths.sort();
    let mut tar = Builder::new(Vec::new());
    for path in paths {
        let name = path.strip_prefix(root).unwrap_or(&path);
        let name = name.to_str().ok_or_else(|| Error::Name(path.clone()))?;
        if path.is_dir() {
            append(
                &mut tar,
                &format!("{name}/"),
                EntryType::Directory,
                0o755,
                &[],
            )
            .at(&path)?;
        } else {
            let mode = if name == PROGRAM { 0o755 } else { 0o644 };
            let content = fs::read(&path).at(&path)?;
            append(&mut tar, name, EntryType::Regular, mode, &content).at(&path)?;
        }
    }
    let archive = tar.into_inner().at(root)?;
    // Neither a name, nor a date, nor the system that it was made on.
    let gzip = GzBuilder::new().operating_system(255);
    let mut gzip = gzip.write(Vec::new(), Compression::best());
    gzip.write_all(&archive).at(root)?;
    let compressed = gzip.finish().at(root)?;
    Ok(Layer {
        archive,
        compressed,
    })
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) -> Result<(), Error> {
    for entry in fs::read_dir(folder).at(folder)? {
        let entry = entry.at(folder)?;
        let (path, kind) = (entry.path(), entry.file_type().at(folder)?);
        if kind.is_dir() {
            walk(&path, found)?;
        } else if !kind.is_file() {
            return Err(Error::Odd(path));
        }
        found.push(path);
    }
    Ok(())
}

fn append(
    tar: &mut Builder<Vec<u8>>,
    name: &str,
    kind: EntryType,
    mode: u32,
    content: &[u8],
) -> std::io::Result<()> {
    let mut header = Header::new_ustar();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_size(content.len() as u64);
    tar.append_data(&mut header, name, content)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    fn folder(files: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for name in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, name).unwrap();
        }
        folder
    }

    #[test]
    fn neither_order_nor_permissions_nor_dates_get_in() {
        let one = folder(&["b/c", "a", PROGRAM]);
        let other = folder(&[PROGRAM, "a", "b/c"]);
        let secret = fs::Permissions::from_mode(0o600);
        fs::set_permissions(other.path().join("a"), secret).unwrap();
        let old = fs::File::options().write(true).open(other.path().join("a"));
        old.unwrap().set_modified(std::time::UNIX_EPOCH).unwrap();
        let (one, other) = (pack(one.path()).unwrap(), pack(other.path()).unwrap());
        assert_eq!(one.archive, other.archive);
        assert_eq!(one.compressed, other.compressed);
    }

    #[test]
    fn each_folder_stands_before_what_it_has_and_only_the_program_runs() {
        let layer = pack(folder(&["b/c", "a", PROGRAM]).path()).unwrap();
        let mut archive = tar::Archive::new(layer.archive.as_slice());
        let entries = archive.entries().unwrap().map(|entry| {
            let entry = entry.unwrap();
            let header = entry.header();
            let owner = (header.uid().unwrap(), header.gid().unwrap());
            assert_eq!((owner, header.mtime().unwrap()), ((0, 0), 0));
            (
                entry.path().unwrap().display().to_string(),
                header.mode().unwrap(),
            )
        });
        let expected = [
            ("a", 0o644),
            ("b/", 0o755),
            ("b/c", 0o644),
            (PROGRAM, 0o755),
        ];
        let expected = expected.map(|(name, mode)| (name.to_owned(), mode));
        assert_eq!(entries.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn a_link_is_refused() {
        let folder = folder(&["a"]);
        symlink("a", folder.path().join("link")).unwrap();
        let wrong = pack(folder.path()).err().unwrap().to_string();
        assert!(wrong.contains("takes no links"), "{wrong}");
    }
}
