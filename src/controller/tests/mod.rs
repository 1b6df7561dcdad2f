//! The real passes and the real actor over two models, in virtual time: a cluster in memory,
//! and the simulator's own library behind the client's transport. One thread, paused clock.

mod alone;
mod audit;
mod bell;
mod bursts;
mod calls;
mod chaos;
mod cluster;
mod crashes;
mod edits;
mod fuse;
mod inputs;
mod matrix;
mod oracle;
mod panics;
mod ports;
mod process;
mod scenarios;
mod tenant;
mod world;
