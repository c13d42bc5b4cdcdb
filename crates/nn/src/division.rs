//! Where the values of a network's towers lie, layer by layer: apart, each
//! tower with its own maps, or whole, where every tower has all of them.

use ablate_core::{Error, Result};

/// A walk along the layers.
#[derive(Debug)]
pub(crate) struct Division {
    towers: usize,
    /// Whether the values reached so far lie apart.
    apart: bool,
    /// Nodes before which they are gathered.
    gathers: Vec<usize>,
}

impl Division {
    /// At the images, which every one of the towers sees.
    pub fn new(towers: usize) -> Self {
        Self {
            towers,
            apart: false,
            gathers: Vec::new(),
        }
    }

    /// A convolution: within the towers where it has groups, else over all.
    ///
    /// # Errors
    /// Kernels or groups that do not divide among the towers.
    pub fn conv2d(&mut self, name: &str, node: usize, groups: usize, kernels: usize) -> Result<()> {
        let towers = self.towers;
        if groups == 1 {
            self.gather(node);
        } else if !groups.is_multiple_of(towers) || !self.apart && towers > 1 {
            return Err(Error::bad_value(
                name,
                format!("{groups} groups cannot be divided among {towers} towers here"),
                "give it 1 group, or one for each tower after a layer that has towers",
            ));
        }
        if !kernels.is_multiple_of(towers) {
            return Err(Error::bad_value(
                name,
                format!("{kernels} kernels cannot be divided among {towers} towers"),
                format!("give a multiple of {towers}"),
            ));
        }
        self.divide();
        Ok(())
    }

    /// A linear layer, which looks at everything.
    ///
    /// # Errors
    /// Fewer outputs than towers.
    pub fn linear(&mut self, name: &str, node: usize, outputs: usize) -> Result<()> {
        if outputs < self.towers {
            return Err(Error::bad_value(
                name,
                format!("{outputs} outputs leave one of {} towers none", self.towers),
                "give it at least one for each tower",
            ));
        }
        self.gather(node);
        self.divide();
        Ok(())
    }

    /// A dropout, whose mask is drawn over all features.
    ///
    /// # Errors
    /// Maps lie apart: their mask would have to be gathered with them.
    pub fn dropout(&mut self, name: &str, node: usize, flat: bool) -> Result<()> {
        if self.apart && !flat {
            return Err(Error::bad_value(
                name,
                "dropout on maps cannot be divided among towers",
                "put it after `.flatten()`",
            ));
        }
        self.gather(node);
        Ok(())
    }

    /// Groups of channels that are normalised each for itself.
    pub fn response_groups(&self) -> usize {
        match self.apart {
            true => self.towers,
            false => 1,
        }
    }

    /// The nodes before which the towers' values are gathered.
    ///
    /// # Errors
    /// The output is not divided, so that no tower could answer for its part.
    pub fn finish(self) -> Result<Vec<usize>> {
        match self.towers == 1 || self.apart {
            true => Ok(self.gathers),
            false => Err(Error::Other(format!(
                "the network's output is not divided among its {} towers\n  fix: end it with a \
                 convolution or a linear layer",
                self.towers
            ))),
        }
    }

    fn gather(&mut self, node: usize) {
        if self.apart {
            self.gathers.push(node);
            self.apart = false;
        }
    }

    fn divide(&mut self) {
        self.apart = self.towers > 1;
    }
}
