//! What both executables owe those who run them: the service manager that started them, and the
//! Prometheus that asks how they are.

pub mod metrics;
mod supervisor;

pub use supervisor::Supervisor;
