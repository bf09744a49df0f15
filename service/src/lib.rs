//! What both executables owe the service manager that started them.

mod supervisor;

pub use supervisor::Supervisor;
