//! Any bytes as an envelope, as a bare report and as kept windows: nothing panics,
//! and what is accepted can be written again and reads the same.

#![no_main]

use std::convert::Infallible;

use libfuzzer_sys::fuzz_target;
use vantage_wire::report::{
    Decoded, Envelope, Report, ReportError, SIGNATURE_BYTES, decode_windows, encode_windows,
};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(envelope) = Envelope::decode(bytes) {
        assert_eq!(Envelope::decode(&envelope.encode()).unwrap(), envelope);
        let verified = envelope.verify(|_, _| Ok::<_, Infallible>(())).unwrap();
        check(verified.open());
    }
    check(Report::decode(bytes));
    if let Ok((windows, _)) = decode_windows(bytes) {
        let encoded = encode_windows(&windows).unwrap();
        assert_eq!(decode_windows(&encoded).unwrap().0, windows);
    }
});

fn check(decoded: Result<Decoded, ReportError>) {
    let Ok(Decoded { report, .. }) = decoded else { return };
    let encoded = report.encode().unwrap();
    let again = Report::decode(&encoded).unwrap();
    assert_eq!(again.report, report);
    assert_eq!(again.report.encode().unwrap(), encoded);
    let sealed = Envelope::seal(&report, |_| [0; SIGNATURE_BYTES]).unwrap();
    let verified = sealed.verify(|_, _| Ok::<_, Infallible>(())).unwrap();
    assert_eq!(verified.open().unwrap().report, report);
}
