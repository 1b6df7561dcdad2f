//! Writes the definitions of both kinds into a folder: `crdgen crds`.

use std::{env, error::Error, fs, path::PathBuf};

fn main() -> Result<(), Box<dyn Error>> {
    let dir = env::args_os()
        .nth(1)
        .map(PathBuf::from)
        .ok_or("usage: crdgen DIR")?;
    fs::create_dir_all(&dir)?;
    for crd in psg_api::crds::all() {
        let path = dir.join(psg_api::crds::file_name(&crd));
        fs::write(&path, psg_api::crds::yaml(&crd)?)?;
        println!("{}", path.display());
    }
    Ok(())
}
