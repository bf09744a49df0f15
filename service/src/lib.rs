//! What both executables owe those around them: the service manager that started them, the Prometheus
//! that asks how they are, the operator who configures them, and the servers that they come back to.

mod backoff;
mod config;
pub mod metrics;
mod supervisor;

pub use backoff::Backoff;
pub use config::{ConfigError, ConfigFile};
pub use supervisor::Supervisor;
