//! Tests of the latency histogram through its public interface: laws that must hold for any
//! samples, agreement with other implementations, and bytes made to do harm.

#![expect(
    clippy::unwrap_used,
    reason = "a failure in a function that tests share must fail the test"
)]
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "low bytes and small ranks, taken as the format and the definition of a quantile say"
)]

mod goldens;
mod hostile;
mod inputs;
mod laws;
mod reference;
