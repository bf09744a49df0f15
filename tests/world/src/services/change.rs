//! Turning a running service into what a changed world file says of it.

use super::handle::{ServiceError, ServiceHandle};
use super::spec::ServiceSpec;

impl ServiceHandle {
    /// Whether the service can become this one while it runs: whether they differ in nothing but
    /// behaviour, admission, records and views.
    pub fn can_become(&self, to: &ServiceSpec) -> bool {
        with_switches_of(&self.spec, to) == *to
    }

    /// Sets every switch as `to` has it. What else `to` says is not looked at.
    ///
    /// # Errors
    /// When `to` is of another kind or has problems.
    pub fn become_like(&self, to: &ServiceSpec) -> Result<(), ServiceError> {
        match to {
            ServiceSpec::Http(to) => {
                self.set_behaviour(to.behaviour.clone())?;
                self.set_admission(to.admission)
            }
            ServiceSpec::Https(to) => {
                self.set_behaviour(to.behaviour.clone())?;
                self.set_admission(to.admission)
            }
            ServiceSpec::H3(to) => {
                self.set_behaviour(to.behaviour.clone())?;
                self.set_admission(to.admission)
            }
            ServiceSpec::Dns(to) => {
                self.set_records(to.records.clone())?;
                self.set_views(to.views.clone())
            }
            ServiceSpec::Tcp(to) => self.set_tcp_behaviour(to.behaviour),
        }
    }
}

/// `spec` with everything that can change while it runs taken from `other`.
fn with_switches_of(spec: &ServiceSpec, other: &ServiceSpec) -> ServiceSpec {
    let mut spec = spec.clone();
    match (&mut spec, other) {
        (ServiceSpec::Http(spec), ServiceSpec::Http(other)) => {
            spec.behaviour.clone_from(&other.behaviour);
            spec.admission = other.admission;
        }
        (ServiceSpec::Https(spec), ServiceSpec::Https(other)) => {
            spec.behaviour.clone_from(&other.behaviour);
            spec.admission = other.admission;
        }
        (ServiceSpec::H3(spec), ServiceSpec::H3(other)) => {
            spec.behaviour.clone_from(&other.behaviour);
            spec.admission = other.admission;
        }
        (ServiceSpec::Dns(spec), ServiceSpec::Dns(other)) => {
            spec.records.clone_from(&other.records);
            spec.views.clone_from(&other.views);
        }
        (ServiceSpec::Tcp(spec), ServiceSpec::Tcp(other)) => spec.behaviour = other.behaviour,
        // Of another kind: left as it is, and so unequal.
        _ => {}
    }
    spec
}
