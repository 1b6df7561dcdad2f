//! Writes the definitions of both kinds into folders, JSON schemas of them into another, and the
//! page about every field: `crdgen --schemas schemas --reference docs crds charts/psg-operator/files/crds`.
//! Prints each file that it wrote.

use std::{env, error::Error, fs, path::Path};

use psg_api::{crds, reference, schemas};

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = env::args_os().skip(1).peekable();
    let for_schemas = args
        .next_if(|arg| arg == "--schemas")
        .and_then(|_| args.next());
    let for_reference = args
        .next_if(|arg| arg == "--reference")
        .and_then(|_| args.next());
    let dirs: Vec<_> = args.collect();
    if dirs.is_empty() {
        return Err("usage: crdgen [--schemas DIR] [--reference DIR] DIR...".into());
    }
    if let Some(dir) = &for_reference {
        write(dir.as_ref(), "reference.md", &reference::page()?)?;
    }
    for crd in crds::all() {
        for dir in &dirs {
            write(dir.as_ref(), &crds::file_name(&crd), &crds::yaml(&crd)?)?;
        }
        if let Some(dir) = &for_schemas {
            write(
                dir.as_ref(),
                &schemas::file_name(&crd),
                &schemas::json(&crd)?,
            )?;
        }
    }
    Ok(())
}

fn write(dir: &Path, name: &str, text: &str) -> Result<(), Box<dyn Error>> {
    fs::create_dir_all(dir)?;
    let path = dir.join(name);
    fs::write(&path, text)?;
    println!("{}", path.display());
    Ok(())
}
