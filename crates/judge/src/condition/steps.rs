//! How long an evaluation can take, told before it begins: an expression that walks lists within lists
//! is refused where the lists are long.

use cel::common::ast::{Expr, IdedExpr, operators};

/// The steps of an expression, with the lists that it walks left open.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Steps {
    /// No list is walked.
    Fixed(u64),
    /// One part after another.
    Sum(Vec<Steps>),
    /// `body` once for every item of the list.
    Loop {
        /// How long the list is.
        over: Length,
        /// What it takes to have the list.
        range: Box<Steps>,
        /// What it takes an item.
        body: Box<Steps>,
    },
}

/// How long a list is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Length {
    /// As long as the lists at these fact paths together, and so many items that the rule writes down.
    Of {
        /// Fact paths.
        paths: Vec<String>,
        /// Items that are written down.
        items: u64,
    },
    /// The result of another expression: as long as any list, and at least so many items.
    Any(u64),
}

impl Length {
    /// The length of what an expression yields.
    fn of(expr: &IdedExpr, locals: &[(String, String)]) -> Self {
        Self::known(expr, locals, 0)
            .map_or_else(|| Self::Any(written(expr)), |(paths, items)| Self::Of { paths, items })
    }

    /// The same where it can be told: facts, lists that are written down, those joined, and what is taken
    /// from them item by item.
    fn known(
        expr: &IdedExpr,
        locals: &[(String, String)],
        depth: usize,
    ) -> Option<(Vec<String>, u64)> {
        if depth > super::MAX_NESTING {
            return None;
        }
        match &expr.expr {
            // With what its items hold, since those may be walked in their turn.
            Expr::List(_) => Some((Vec::new(), written(expr))),
            Expr::Call(call) if call.func_name == operators::ADD => match call.args.as_slice() {
                [left, right] => {
                    let (mut paths, items) = Self::known(left, locals, depth + 1)?;
                    let (more, others) = Self::known(right, locals, depth + 1)?;
                    paths.extend(more);
                    Some((paths, items.saturating_add(others)))
                }
                _ => None,
            },
            // `filter` and `map` yield at most one item for each of theirs.
            Expr::Comprehension(c) => Self::known(&c.iter_range, locals, depth + 1),
            _ => Some((vec![select_path(expr, locals)?], 0)),
        }
    }

    /// In items, where `length` is that of the list at a fact path.
    fn bound(&self, length: &dyn Fn(Option<&str>) -> u64) -> u64 {
        match self {
            Self::Of { paths, items } => {
                paths.iter().fold(*items, |sum, path| sum.saturating_add(length(Some(path))))
            }
            Self::Any(written) => length(None).max(*written),
        }
    }
}

impl Steps {
    /// The steps of `expr`.
    pub(super) fn of(expr: &IdedExpr) -> Self {
        Self::within(expr, &mut Vec::new())
    }

    fn within(expr: &IdedExpr, locals: &mut Vec<(String, String)>) -> Self {
        match &expr.expr {
            Expr::Comprehension(c) => {
                let over = Length::of(&c.iter_range, locals);
                let range = Box::new(Self::within(&c.iter_range, locals));
                let path = select_path(&c.iter_range, locals);
                let items = path.map_or_else(String::new, |path| path + "[]");
                locals.push((c.iter_var.clone(), items));
                let body =
                    [&c.loop_step, &c.loop_cond].map(|part| Self::within(part, locals)).into();
                locals.pop();
                Self::Loop { over, range, body: Box::new(Self::sum(body)) }
            }
            Expr::Call(call) => {
                let parts = call.target.iter().map(AsRef::as_ref).chain(&call.args);
                Self::sum(parts.map(|part| Self::within(part, locals)).collect())
            }
            Expr::Select(select) => Self::sum(vec![Self::within(&select.operand, locals)]),
            Expr::List(list) => {
                Self::sum(list.elements.iter().map(|part| Self::within(part, locals)).collect())
            }
            _ => Self::Fixed(1),
        }
    }

    /// One step more than the parts take.
    fn sum(parts: Vec<Self>) -> Self {
        let mut fixed = 1;
        let mut open = Vec::new();
        for part in parts {
            match part {
                Self::Fixed(steps) => fixed += steps,
                Self::Sum(inner) => open.extend(inner),
                looped @ Self::Loop { .. } => open.push(looped),
            }
        }
        if open.is_empty() {
            return Self::Fixed(fixed);
        }
        open.push(Self::Fixed(fixed));
        Self::Sum(open)
    }

    /// Upper bound of the steps, where `length` is that of the list at a fact path.
    pub(super) fn bound(&self, length: &dyn Fn(Option<&str>) -> u64) -> u64 {
        match self {
            Self::Fixed(steps) => *steps,
            Self::Sum(parts) => {
                parts.iter().fold(0, |sum: u64, part| sum.saturating_add(part.bound(length)))
            }
            Self::Loop { over, range, body } => over
                .bound(length)
                .saturating_mul(body.bound(length))
                .saturating_add(range.bound(length))
                .saturating_add(1),
        }
    }
}

/// Items of the lists that an expression writes down: what is walked may be one of them, or several joined.
fn written(expr: &IdedExpr) -> u64 {
    match &expr.expr {
        Expr::List(list) => list
            .elements
            .iter()
            .fold(list.elements.len() as u64, |sum, item| sum.saturating_add(written(item))),
        Expr::Call(call) => {
            let parts = call.target.iter().map(AsRef::as_ref).chain(&call.args);
            parts.fold(0, |sum: u64, part| sum.saturating_add(written(part)))
        }
        Expr::Select(select) => written(&select.operand),
        Expr::Comprehension(c) => written(&c.iter_range).max(written(&c.loop_step)),
        _ => 0,
    }
}

/// The fact path that an expression selects, list items as `[]`.
fn select_path(expr: &IdedExpr, locals: &[(String, String)]) -> Option<String> {
    match &expr.expr {
        Expr::Ident(name) => match locals.iter().rev().find(|(local, _)| local == name) {
            Some((_, path)) if path.is_empty() => None,
            Some((_, path)) => Some(path.clone()),
            None => Some(name.clone()),
        },
        Expr::Select(select) => {
            Some(format!("{}.{}", select_path(&select.operand, locals)?, select.field))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(source: &str) -> Steps {
        Steps::of(cel::Program::compile(source).expect(source).expression())
    }

    #[test]
    fn what_walks_no_list_has_a_fixed_price() {
        assert_eq!(steps("a.b > 1 && c"), Steps::Fixed(6));
    }

    #[test]
    fn a_list_within_a_list_is_the_product_of_both() {
        let nested = steps("a.files.exists(f, f.names.exists(n, n == 'x'))");
        let by_path = |path: Option<&str>| match path {
            Some("a.files") => 10,
            Some("a.files[].names") => 100,
            other => panic!("unexpected list {other:?}"),
        };
        let bound = nested.bound(&by_path);
        assert!((1_000..20_000).contains(&bound), "{bound}");
        assert_eq!(nested.bound(&|_| 0), steps("a.files.exists(f, true)").bound(&|_| 0));
    }

    #[test]
    fn a_list_that_the_rule_itself_writes_down_counts() {
        let list = format!("[{}]", vec!["1"; 100].join(", "));
        let source = format!("{list}.exists(a, {list}.exists(b, {list}.exists(c, a + b + c > 9)))");
        let bound = steps(&source).bound(&|_| 0);
        assert!(bound > 1_000_000, "{bound}");
        let joined = format!("({list} + {list}).exists(a, a > 1)");
        assert!(
            steps(&joined).bound(&|_| 0) > steps(&format!("{list}.exists(a, a > 1)")).bound(&|_| 0)
        );
    }

    #[test]
    fn words_that_are_written_down_cost_their_number_and_not_the_longest_list_of_facts() {
        let words =
            "(a.x + a.y).filter(c, c.z).exists(c, ['p', 'q', 'r'].exists(p, c.d.contains(p)))";
        let by_path = |path: Option<&str>| match path {
            Some("a.x") => 10,
            Some("a.y") => 20,
            other => panic!("unexpected list {other:?}"),
        };
        let bound = steps(words).bound(&by_path);
        assert!((30 * 3..30 * 100).contains(&bound), "{bound}");
    }

    #[test]
    fn absurd_lengths_do_not_overflow() {
        let nested = steps("a.exists(b, a.exists(c, a.exists(d, b == c && c == d)))");
        assert_eq!(nested.bound(&|_| u64::MAX), u64::MAX);
    }
}
