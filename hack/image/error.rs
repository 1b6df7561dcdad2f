//! What can be wrong with what this tool was given, with the remedy.

use std::path::{Path, PathBuf};

/// Why no image was written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file or a folder could not be read or written.
    #[error("{}: {why}", path.display())]
    Io {
        /// Which one.
        path: PathBuf,
        /// Why.
        why: std::io::Error,
    },
    /// An argument that is no platform with a folder.
    #[error(
        "\"{0}\" is not a platform with its folder: write linux/amd64=FOLDER or linux/arm64=FOLDER"
    )]
    Platform(String),
    /// The same platform twice.
    #[error("{0} is given twice: name each platform once")]
    Twice(String),
    /// A date that no image can have.
    #[error(
        "--epoch {0} is no date: give the seconds since 1970, such as of `git log -1 --format=%ct`"
    )]
    Epoch(i64),
    /// A program that needs a loader, which the image does not have.
    #[error("{} is not a static program: build it by hack/release/program.sh", .0.display())]
    NotStatic(PathBuf),
    /// Something that is neither file nor folder.
    #[error("{} is neither a file nor a folder: the image takes no links", .0.display())]
    Odd(PathBuf),
    /// Paths go into the archive as text.
    #[error("{} is not UTF-8", .0.display())]
    Name(PathBuf),
}

/// To name the path of an error.
pub trait At<T> {
    /// The same, with the path.
    fn at(self, path: &Path) -> Result<T, Error>;
}

impl<T> At<T> for std::io::Result<T> {
    fn at(self, path: &Path) -> Result<T, Error> {
        self.map_err(|why| Error::Io {
            path: path.to_path_buf(),
            why,
        })
    }
}
