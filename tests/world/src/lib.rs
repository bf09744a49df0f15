//! An emulated wide-area network: one namespace per host, one router that holds every packet for its path's delay, and a truth log.
