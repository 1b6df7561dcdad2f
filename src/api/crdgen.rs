//! Writes the definitions of both kinds into folders:
//! `crdgen crds charts/psg-operator/files/crds`. Prints each file that it wrote.

use std::{env, error::Error, fs, path::PathBuf};

fn main() -> Result<(), Box<dyn Error>> {
    let dirs: Vec<PathBuf> = env::args_os().skip(1).map(PathBuf::from).collect();
    if dirs.is_empty() {
        return Err("usage: crdgen DIR...".into());
    }
    for dir in dirs {
        fs::create_dir_all(&dir)?;
        for crd in psg_api::crds::all() {
            let path = dir.join(psg_api::crds::file_name(&crd));
            fs::write(&path, psg_api::crds::yaml(&crd)?)?;
            println!("{}", path.display());
        }
    }
    Ok(())
}
