//! What can go wrong with a world.

use std::io;

/// Why a world could not be started, changed or asked.
#[derive(Debug, thiserror::Error)]
pub enum WorldError {
    /// The world file or the change asked for is not sound; one line per problem.
    #[error("the world is not sound:\n{}", .0.iter().map(|line| format!("  - {line}")).collect::<Vec<_>>().join("\n"))]
    Config(Vec<String>),
    /// The world file cannot be read.
    #[error("failed to read the world file")]
    Unreadable(#[source] io::Error),
    /// The operating system refused a step.
    #[error("failed to {step}")]
    System {
        /// What was attempted; fits after "failed to".
        step: String,
        /// The operating system's answer.
        #[source]
        source: io::Error,
    },
    /// A host name that the world does not have.
    #[error("no host {0:?} in this world")]
    UnknownHost(String),
    /// A service of a host could not be started.
    #[error("failed to start a service of host {host:?}")]
    Service {
        /// The host that should serve.
        host: String,
        /// Why it does not.
        #[source]
        source: crate::services::ServiceError,
    },
    /// The router thread has ended, by its own error or panic.
    #[error("the router has stopped")]
    RouterStopped,
}

impl WorldError {
    /// Wraps an operating-system error with the step it happened in.
    pub fn system(step: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let step = step.into();
        move |source| Self::System { step, source }
    }
}
