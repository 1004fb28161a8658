use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

/// Elements and everything that must hold of a node; gives its depth.
fn check(node: &Node, bytes: &mut usize, is_root: bool) -> (usize, usize) {
    *bytes += node.heap();
    match node {
        Node::Leaf(leaf) => {
            assert_eq!(leaf.scores.len(), leaf.members.len());
            assert!(leaf.members.len() <= LEAF && leaf.members.capacity() <= LEAF);
            assert!(is_root || !leaf.members.is_empty(), "no empty leaf");
            *bytes += leaf.members.iter().map(Member::allocated).sum::<usize>();
            (leaf.members.len(), 0)
        }
        Node::Inner(inner) => {
            assert!(inner.edges.len() <= FANOUT && !inner.edges.is_empty());
            assert!(!is_root || inner.edges.len() > 1, "the root is not higher than it must be");
            assert_eq!(inner.bounds.len() + 1, inner.edges.len());
            *bytes += inner.bounds.iter().map(Member::allocated).sum::<usize>();
            let mut depths = Vec::new();
            let mut count = 0;
            for edge in &inner.edges {
                let (below, depth) = check(&edge.node, bytes, false);
                assert_eq!(edge.count, below);
                count += below;
                depths.push(depth);
            }
            depths.dedup();
            assert_eq!(depths.len(), 1, "all leaves are at one depth");
            (count, depths[0] + 1)
        }
    }
}

fn check_tree(tree: &Tree) {
    let mut bytes = 0;
    let (count, _) = check(&tree.root, &mut bytes, true);
    assert_eq!((tree.len, tree.bytes), (count, bytes));
}

type Model = Vec<(f64, Vec<u8>)>;

fn contents(tree: &Tree) -> Model {
    tree.range(0..usize::MAX).map(|(score, m)| (score, m.text().to_vec())).collect()
}

fn place_in(model: &Model, score: f64, text: &[u8]) -> Result<usize, usize> {
    model.binary_search_by(|(s, t)| s.total_cmp(&score).then_with(|| t.as_slice().cmp(text)))
}

#[derive(Clone, Debug)]
enum Step {
    Insert(u8, Vec<u8>),
    /// A run of ascending texts.
    Append(u8, u8),
    Remove(usize),
    RemoveRange(usize, usize),
}

fn step() -> impl Strategy<Value = Step> {
    let text = vec(prop_oneof![Just(b'a'), Just(b'b'), any::<u8>()], 0..12);
    prop_oneof![
        6 => (0..6_u8, text).prop_map(|(score, text)| Step::Insert(score, text)),
        1 => (0..6_u8, 1..40_u8).prop_map(|(score, count)| Step::Append(score, count)),
        3 => any::<usize>().prop_map(Step::Remove),
        1 => (any::<usize>(), 0..50_usize).prop_map(|(from, count)| Step::RemoveRange(from, count)),
    ]
}

fn insert(tree: &mut Tree, model: &mut Model, score: f64, text: &[u8]) {
    let Err(at) = place_in(model, score, text) else { return };
    assert_eq!(tree.rank(Place { score, text }), at);
    tree.insert(Member::new(score, text));
    model.insert(at, (score, text.to_vec()));
}

fn run(steps: Vec<Step>) {
    let (mut tree, mut model) = (Tree::new(), Model::new());
    for step in steps {
        match step {
            Step::Insert(score, text) => insert(&mut tree, &mut model, f64::from(score), &text),
            Step::Append(score, count) => {
                for n in 0..count {
                    insert(&mut tree, &mut model, f64::from(score), &[b'c', n]);
                }
            }
            Step::Remove(at) => {
                if !model.is_empty() {
                    let (score, text) = model.remove(at % model.len());
                    let place = Place { score, text: &text };
                    let member = tree.remove(place).expect("it is in");
                    assert_eq!((member.get().score(), member.text()), (score, &*text));
                    assert!(tree.remove(place).is_none(), "it is out");
                }
            }
            Step::RemoveRange(from, count) => {
                let from = from % (model.len() + 1);
                let to = (from + count).min(model.len());
                let mut taken = Model::new();
                tree.remove_range(from..from + count, |m| {
                    taken.push((m.get().score(), m.text().to_vec()));
                });
                assert_eq!(taken, model.drain(from..to).collect::<Model>());
            }
        }
        check_tree(&tree);
    }
    assert_eq!(contents(&tree), model);
    let mut reversed: Model =
        tree.range(0..tree.len()).rev().map(|(s, m)| (s, m.text().to_vec())).collect();
    reversed.reverse();
    assert_eq!(reversed, model);
    for (rank, (score, text)) in model.iter().enumerate() {
        assert_eq!(tree.rank(Place { score: *score, text }), rank);
        let found = tree.range(rank..rank + 1).next().map(|(_, m)| m.text());
        assert_eq!(found, Some(&**text));
    }
    tree.remove_range(0..usize::MAX, drop);
    check_tree(&tree);
    assert_eq!((tree.len(), tree.bytes()), (0, 0));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 2 } else { 256 }))]

    #[test]
    fn behaves_as_a_sorted_vector(
        steps in vec(step(), 1..if cfg!(miri) { 30 } else { 200 }),
    ) {
        run(steps);
    }
}

#[test]
fn a_walk_meets_from_both_ends() {
    let mut tree = Tree::new();
    for n in 0..100_u8 {
        tree.insert(Member::new(f64::from(n), &[n]));
    }
    let mut walk = tree.range(10..90);
    let mut seen = Vec::new();
    while let Some((score, _)) = walk.next() {
        seen.push(score);
        seen.extend(walk.next_back().map(|(score, _)| score));
    }
    seen.sort_by(f64::total_cmp);
    assert_eq!(seen, (10..90).map(f64::from).collect::<Vec<_>>());
    assert_eq!(tree.range(10..90).nth(40).map(|(s, _)| s), Some(50.0));
    assert_eq!(tree.range(10..90).nth_back(40).map(|(s, _)| s), Some(49.0));
    assert!(tree.range(10..90).nth(80).is_none());
    assert!(tree.range(95..300).nth(4).is_some());
}

#[test]
fn growth_at_the_end_fills_leaves() {
    let mut tree = Tree::new();
    let count = if cfg!(miri) { 200 } else { 5_000 };
    for n in 0..count {
        tree.insert(Member::new(f64::from(n), b""));
    }
    check_tree(&tree);
    let mut leaves = 0;
    let mut at = 0;
    while let Some((leaf, _)) = tree.leaf_at(at) {
        leaves += 1;
        at += leaf.members.len();
    }
    assert!(leaves * LEAF * 3 / 4 <= count as usize, "{leaves} leaves");
}
