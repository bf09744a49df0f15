//! Has the crate compiled again when a migration is added, which the macro that embeds them cannot ask for.

fn main() {
    println!("cargo:rerun-if-changed=migrations");
}
