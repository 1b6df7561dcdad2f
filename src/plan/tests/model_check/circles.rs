//! The strongly connected components of a graph (Tarjan's algorithm, without recursion): an endless
//! path stays in one of them in the end.

/// The component of each node, by the number of one of its nodes. `edges` are sorted.
pub fn components(nodes: usize, edges: &[(usize, usize)]) -> Vec<usize> {
    const NONE: usize = usize::MAX;
    let mut first = vec![edges.len(); nodes];
    for (at, (from, _)) in edges.iter().enumerate().rev() {
        first[*from] = at;
    }
    let mut order = vec![NONE; nodes];
    let mut low = vec![NONE; nodes];
    let mut component = vec![NONE; nodes];
    let mut seen = 0;
    let mut open = Vec::new();
    for root in 0..nodes {
        let mut path = Vec::new();
        let mut enter = (order[root] == NONE).then_some(root);
        loop {
            if let Some(node) = enter.take() {
                (order[node], low[node]) = (seen, seen);
                seen += 1;
                open.push(node);
                path.push((node, first[node]));
            }
            let Some((node, at)) = path.last_mut() else {
                break;
            };
            let node = *node;
            if let Some((_, to)) = edges.get(*at).filter(|(from, _)| *from == node) {
                *at += 1;
                if order[*to] == NONE {
                    enter = Some(*to);
                } else if component[*to] == NONE {
                    low[node] = low[node].min(order[*to]);
                }
                continue;
            }
            path.pop();
            if let Some((parent, _)) = path.last() {
                low[*parent] = low[*parent].min(low[node]);
            }
            while low[node] == order[node] && component[node] == NONE {
                component[open.pop().unwrap()] = node;
            }
        }
    }
    component
}

#[test]
fn circles_are_found() {
    // 0 → 1 ⇄ 2 → 3 → 4 → 5 → 3, and 6 → 6.
    let edges = [
        (0, 1),
        (1, 2),
        (2, 1),
        (2, 3),
        (3, 4),
        (4, 5),
        (5, 3),
        (6, 6),
    ];
    assert_eq!(components(7, &edges), [0, 1, 1, 3, 3, 3, 6]);
}
