//! Composes attacks and their innocent twins from a seed, audits them, and prints what is found for each
//! entry of the grammar: `cargo run --example attack_space -- SEED N`.

#[path = "../tests/attack_space/space.rs"]
mod space;

fn main() {
    let mut numbers = std::env::args().skip(1).map(|text| text.parse().unwrap_or(1));
    let (seed, compositions) = (numbers.next().unwrap_or(1), numbers.next().unwrap_or(200));
    println!("{}", space::measure(seed, usize::try_from(compositions).unwrap_or(200)));
}
