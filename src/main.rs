//! Arguments, configuration, run; nothing else.
fn main() {
    println!("baton");
}
