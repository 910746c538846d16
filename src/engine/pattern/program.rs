//! A pattern as a program: what to try first, and what then.

use crate::sql::Runs;

/// One step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// The next event is one of this variable.
    Take(u8),
    /// Goes on at the first; and where that leads to nothing at the second.
    Try(usize, usize),
    /// Goes on there.
    Go(usize),
    /// A match.
    Done,
}

/// The steps of a pattern.
#[derive(Clone, Debug)]
pub(super) struct Program {
    steps: Vec<Step>,
    /// The variables that a match may begin with, a bit each.
    first: u32,
}

impl Program {
    pub(super) fn of(runs: &Runs) -> Self {
        let mut program = Self { steps: Vec::new(), first: 0 };
        program.add(runs);
        program.steps.push(Step::Done);
        program.first = program.first_steps();
        program
    }

    pub(super) fn step(&self, at: usize) -> Step {
        self.steps.get(at).copied().unwrap_or(Step::Done)
    }

    /// Whether a match may begin with an event that fits these variables.
    pub(super) const fn may_begin(&self, fits: u32) -> bool {
        self.first & fits != 0
    }

    fn here(&self) -> usize {
        self.steps.len()
    }

    fn add(&mut self, runs: &Runs) {
        match runs {
            Runs::One(variable) => self.steps.push(Step::Take(u8::try_from(*variable).unwrap_or(u8::MAX))),
            Runs::Sequence(parts) => parts.iter().for_each(|part| self.add(part)),
            Runs::Either(parts) => self.add_either(parts),
            Runs::Repeated { runs, least, most, is_greedy } => {
                (0..*least).for_each(|_| self.add(runs));
                match most {
                    None => self.add_loop(runs, *is_greedy),
                    Some(most) => self.add_optional(runs, most.saturating_sub(*least), *is_greedy),
                }
            }
        }
    }

    fn add_either(&mut self, parts: &[Runs]) {
        let Some((last, before)) = parts.split_last() else { return };
        let mut ends = Vec::new();
        for part in before {
            let choice = self.placeholder();
            self.add(part);
            ends.push(self.placeholder());
            self.set(choice, Step::Try(choice + 1, self.here()));
        }
        self.add(last);
        for end in ends {
            self.set(end, Step::Go(self.here()));
        }
    }

    fn add_loop(&mut self, runs: &Runs, is_greedy: bool) {
        let choice = self.placeholder();
        self.add(runs);
        self.steps.push(Step::Go(choice));
        self.set(choice, choose(choice + 1, self.here(), is_greedy));
    }

    fn add_optional(&mut self, runs: &Runs, times: u32, is_greedy: bool) {
        let mut choices = Vec::new();
        for _ in 0..times {
            choices.push(self.placeholder());
            self.add(runs);
        }
        for choice in choices {
            self.set(choice, choose(choice + 1, self.here(), is_greedy));
        }
    }

    fn placeholder(&mut self) -> usize {
        self.steps.push(Step::Done);
        self.steps.len() - 1
    }

    fn set(&mut self, at: usize, step: Step) {
        if let Some(placeholder) = self.steps.get_mut(at) {
            *placeholder = step;
        }
    }

    /// The variables that may be taken first.
    fn first_steps(&self) -> u32 {
        let (mut first, mut seen, mut ahead) = (0, vec![false; self.steps.len()], vec![0]);
        while let Some(at) = ahead.pop() {
            let Some(is_seen) = seen.get_mut(at).filter(|is_seen| !**is_seen) else { continue };
            *is_seen = true;
            match self.step(at) {
                Step::Take(variable) => first |= 1_u32.checked_shl(variable.into()).unwrap_or_default(),
                Step::Try(a, b) => ahead.extend([a, b]),
                Step::Go(to) => ahead.push(to),
                Step::Done => {}
            }
        }
        first
    }
}

const fn choose(again: usize, out: usize, is_greedy: bool) -> Step {
    if is_greedy { Step::Try(again, out) } else { Step::Try(out, again) }
}
