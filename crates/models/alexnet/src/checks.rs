//! Values no network can be built from, refused with the key and the fix.

use ablate_core::{Error, Result};
use ablate_nn::config::MOST_OUTPUTS;

use crate::{AlexNet, Towers};

/// The most rows and columns of a kernel.
const LARGEST: usize = 1023;

impl AlexNet {
    /// # Errors
    /// The first key whose value is out of range.
    pub(crate) fn check(&self) -> Result<()> {
        require(
            matches!(self.gpus, 1 | 2),
            "gpus",
            format!("there is no layout for {} GPUs", self.gpus),
            "give 1 or 2",
        )?;
        require(
            (0.0..1.0).contains(&self.dropout),
            "dropout",
            format!("cannot drop a fraction {}", self.dropout),
            "give a number from 0 to below 1; 0 turns dropout off",
        )?;
        require(
            self.width.is_finite() && self.width > 0.0,
            "width",
            format!("kernels cannot be scaled by {}", self.width),
            "give a positive number; 1 is the paper's width",
        )?;
        require(
            self.deviation.is_finite() && self.deviation > 0.0,
            "deviation",
            format!("weights cannot deviate by {}", self.deviation),
            "give a positive number; the paper has 0.01",
        )?;
        require(
            self.hidden > 0,
            "hidden",
            "a linear layer needs units",
            "give at least 1; the paper has 4096",
        )?;
        require(
            self.stem.size > 0 && self.stem.stride > 0,
            "stem",
            "conv1 needs a size and a stride of at least 1",
            "the paper has size 11, stride 4",
        )?;
        require(
            self.stem.size <= LARGEST,
            "stem.size",
            format!("no image has room for kernels of {}", self.stem.size),
            format!("give at most {LARGEST}; the paper has 11"),
        )?;
        require(
            self.sizes.iter().all(|size| size % 2 == 1),
            "sizes",
            format!(
                "{:?} has an even size, which cannot keep the maps' size",
                self.sizes
            ),
            "give odd sizes; the paper has [5, 3, 3, 3]",
        )?;
        require(
            self.sizes.iter().all(|size| *size <= LARGEST),
            "sizes",
            format!("no maps have room for kernels of {:?}", self.sizes),
            format!("give at most {LARGEST}; the paper has [5, 3, 3, 3]"),
        )?;
        self.check_counts()?;
        self.check_kernels()?;
        self.check_lrn()
    }

    /// # Errors
    /// A linear layer with fewer outputs than towers that run apart.
    pub(crate) fn check_towers(&self, classes: usize) -> Result<()> {
        let least = self.hidden_units().min(classes);
        require(
            least >= self.separate_towers(),
            "towers",
            format!("a linear layer of {least} output(s) cannot be divided among two towers"),
            "give two classes and two hidden units at least, or towers = \"joint\"",
        )
    }

    /// # Errors
    /// The network is not laid out for so many workers.
    pub(crate) fn check_workers(&self, workers: usize) -> Result<()> {
        if workers == 1 {
            return Ok(());
        }
        require(
            workers == self.gpus,
            "gpus",
            format!(
                "a network for {} GPU(s) cannot be shared by {workers} workers",
                self.gpus
            ),
            "set machine.workers = 1, or to 2 for a network with gpus = 2",
        )?;
        require(
            self.towers == Towers::Separate,
            "towers",
            "joint towers cannot run on workers of their own: response normalisation sums across \
             their border",
            "set model.towers = \"separate\", as on the paper's two GPUs, or machine.workers = 1",
        )
    }

    fn check_counts(&self) -> Result<()> {
        let kernels = self.kernels_per_layer().into_iter().enumerate();
        let kernels = kernels.map(|(layer, count)| (format!("kernels.{layer}"), count));
        for (key, count) in kernels.chain([("hidden".to_string(), self.hidden_units())]) {
            let key = match self.width > 1.0 {
                true => "width".to_string(),
                false => key,
            };
            require(
                count <= MOST_OUTPUTS,
                key,
                format!("a layer would have {count} outputs"),
                format!("give less; {MOST_OUTPUTS} are the most"),
            )?;
        }
        Ok(())
    }

    fn check_kernels(&self) -> Result<()> {
        for (layer, kernels) in self.kernels_per_layer().into_iter().enumerate() {
            require(
                kernels > 0 && kernels % self.gpus == 0,
                format!("kernels.{layer}"),
                format!(
                    "{kernels} kernels cannot be divided among {} towers",
                    self.gpus
                ),
                "give a positive multiple of `gpus`",
            )?;
        }
        Ok(())
    }

    fn check_lrn(&self) -> Result<()> {
        let lrn = &self.lrn;
        if !lrn.enabled {
            return Ok(());
        }
        require(
            lrn.sizes.iter().all(|size| *size > 0),
            "lrn.sizes",
            "a sum over no channels normalises nothing",
            "give at least 1; or turn normalisation off with lrn.enabled = false",
        )?;
        require(
            lrn.k > 0.0 && lrn.alpha >= 0.0 && lrn.beta >= 0.0,
            "lrn",
            "k must be positive, alpha and beta not negative, or the divisor may vanish",
            "the paper has k = 2, alpha = 1e-4, beta = 0.75",
        )
    }
}

fn require(
    holds: bool,
    key: impl ToString,
    problem: impl ToString,
    fix: impl ToString,
) -> Result<()> {
    match holds {
        true => Ok(()),
        false => Err(Error::bad_value(key, problem, fix)),
    }
}
