//! The real passes and the real actor over two models, in virtual time: a cluster in memory,
//! and the simulator's own library behind the client's transport. One thread, paused clock.

mod bursts;
mod calls;
mod chaos;
mod cluster;
mod crashes;
mod fuse;
mod matrix;
mod oracle;
mod ports;
mod process;
mod scenarios;
mod tenant;
mod world;
