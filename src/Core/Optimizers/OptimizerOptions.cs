namespace DistNet.Optimizers;

/// <summary>The update rules.</summary>
public enum OptimizerKind
{
    /// <summary>Stochastic gradient descent, with momentum and Nesterov's variant if asked.</summary>
    Sgd,

    /// <summary>Adam (Kingma and Ba, 2015).</summary>
    Adam,

    /// <summary>Adam with decoupled weight decay (Loshchilov and Hutter, 2019).</summary>
    AdamW,
}

/// <summary>The <c>optimizer</c> section of a job.</summary>
public sealed record OptimizerOptions
{
    /// <summary>Which rule.</summary>
    public OptimizerKind Kind { get; init; } = OptimizerKind.AdamW;

    /// <summary>The learning rate η before the schedule's factor, above 0.</summary>
    public double LearningRate { get; init; } = 1e-3;

    /// <summary>Decoupled weight decay λ, at least 0 and at most 1/η: each step scales the weights by 1 − ηλ (Sgd and AdamW; refused with Adam, whose coupled decay is <see cref="RegularizationOptions.L2"/>).</summary>
    public double WeightDecay { get; init; }

    /// <summary>Whether decay and penalties apply to biases and norm scales too.</summary>
    public bool DecayBiases { get; init; }

    /// <summary>Sgd: the momentum μ, in [0, 1).</summary>
    public double Momentum { get; init; }

    /// <summary>Sgd: Nesterov's variant; needs a momentum above 0.</summary>
    public bool Nesterov { get; init; }

    /// <summary>Adam and AdamW: β₁, in [0, 1).</summary>
    public double Beta1 { get; init; } = 0.9;

    /// <summary>Adam and AdamW: β₂, in [0, 1).</summary>
    public double Beta2 { get; init; } = 0.999;

    /// <summary>Adam and AdamW: ε, above 0.</summary>
    public double Epsilon { get; init; } = 1e-8;

    /// <summary>Clips the gradient (penalties included) to this global norm, above 0; null for no clipping. The formula stands at <see cref="ParameterUpdate"/>.</summary>
    public double? ClipNorm { get; init; }

    /// <summary>The decay of an exponential moving average of the weights, in [0, 1): the average is what is validated and kept as the model. Null for none. The formula stands
    /// at <see cref="WeightAverage"/>.</summary>
    public double? EmaDecay { get; init; }
}

/// <summary>The <c>regularization</c> section of a job: penalties added to the loss, so that their gradients are coupled.</summary>
public sealed record RegularizationOptions
{
    /// <summary>α of α·Σ|w|: the gradient gains α·sign(w).</summary>
    public double L1 { get; init; }

    /// <summary>α of α·‖w‖²: the gradient gains 2αw.</summary>
    public double L2 { get; init; }
}

/// <summary>The learning-rate schedules.</summary>
public enum ScheduleKind
{
    /// <summary>Factor 1.</summary>
    Constant,

    /// <summary>Times <see cref="ScheduleOptions.Factor"/> every <see cref="ScheduleOptions.EveryEpochs"/> epochs.</summary>
    Step,

    /// <summary>Times <see cref="ScheduleOptions.Factor"/> every epoch.</summary>
    Exponential,

    /// <summary>Half a cosine from 1 to <see cref="ScheduleOptions.Minimum"/> over the whole run.</summary>
    Cosine,

    /// <summary>A cosine up to 1, then down to <see cref="ScheduleOptions.Minimum"/> (Smith and Topin, 2019).</summary>
    OneCycle,

    /// <summary>Times <see cref="ScheduleOptions.Factor"/> when the validation loss has not fallen for more than <see cref="ScheduleOptions.Patience"/> epochs in a row.</summary>
    Plateau,
}

/// <summary>The <c>schedule</c> section of a job: a factor on the learning rate, a function of the step (and, for a plateau, of the training state).</summary>
public sealed record ScheduleOptions
{
    /// <summary>Which schedule.</summary>
    public ScheduleKind Kind { get; init; } = ScheduleKind.Constant;

    /// <summary>Linear warm-up over this many steps, with any kind but one-cycle; 0 for none. A cosine spans the steps after it; schedules by epoch count from the run's start. See <see cref="Schedules"/>.</summary>
    public long WarmupSteps { get; init; }

    /// <summary>Step, exponential, plateau: the factor, in (0, 1].</summary>
    public double Factor { get; init; } = 0.1;

    /// <summary>Step: epochs between two changes, at least 1.</summary>
    public int EveryEpochs { get; init; } = 10;

    /// <summary>Cosine, one-cycle, plateau: the lowest factor, in [0, 1].</summary>
    public double Minimum { get; init; }

    /// <summary>Plateau: epochs without improvement that are put up with; the next one applies the factor. At least 0.</summary>
    public int Patience { get; init; } = 3;

    /// <summary>One-cycle: the share of all steps in which the rate rises, in (0, 1).</summary>
    public double RiseShare { get; init; } = 0.3;

    /// <summary>One-cycle: the factor at the first step, in (0, 1].</summary>
    public double InitialFactor { get; init; } = 0.04;
}
