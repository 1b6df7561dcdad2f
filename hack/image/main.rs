//! The operator's image, as an OCI layout, without a container engine: `make image`.
//!
//! Two steps, since the Dockerfile takes only the first: `root` makes the folder that the container
//! has as its root, `layout` packs one such folder for each platform. The same input gives the same
//! bytes: no clock, no owner, no order and no permission of the machine gets in.

mod authorities;
mod describe;
mod error;
mod layer;
mod layout;
mod root;

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};

use crate::{
    describe::{About, Platform},
    error::Error,
};

#[derive(Debug, Parser)]
#[command(about, version)]
struct Args {
    #[command(subcommand)]
    step: Step,
}

#[derive(Debug, Subcommand)]
enum Step {
    /// Makes the folder that the container has as its root.
    Root {
        /// The static program.
        #[arg(long)]
        program: PathBuf,
        /// The licence that goes with it.
        #[arg(long)]
        license: PathBuf,
        /// The folder; what it had is removed.
        #[arg(long)]
        out: PathBuf,
    },
    /// Packs one or more of them into an image, and prints its digest and sizes.
    Layout {
        /// A platform and its root folder, such as `linux/amd64=FOLDER`; may be repeated.
        #[arg(long = "root", required = true, value_name = "PLATFORM=FOLDER")]
        roots: Vec<String>,
        /// The commit that the programs were built from.
        #[arg(long)]
        revision: String,
        /// When that commit was made, in seconds since 1970: the image's only date.
        #[arg(long, env = "SOURCE_DATE_EPOCH")]
        epoch: i64,
        /// The folder; what it had is removed.
        #[arg(long)]
        out: PathBuf,
    },
}

fn main() -> ExitCode {
    match run(Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("error: {why}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: Args) -> Result<(), Error> {
    match args.step {
        Step::Root {
            program,
            license,
            out,
        } => root::make(&program, &license, &out),
        Step::Layout {
            roots,
            revision,
            epoch,
            out,
        } => {
            let about = About::new(&revision, epoch)?;
            let roots = roots.iter().map(|given| Platform::with_root(given));
            let roots = roots.collect::<Result<Vec<_>, _>>()?;
            let made = layout::write(&roots, &about, &out)?;
            for image in &made.images {
                println!(
                    "{} {} bytes compressed, layer {}",
                    image.platform, image.compressed, image.layer
                );
            }
            println!("{}", made.digest);
            Ok(())
        }
    }
}
