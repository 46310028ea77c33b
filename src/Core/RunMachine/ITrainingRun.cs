using DistNet.Training;

namespace DistNet.Runs;

/// <summary>What the run machine must know about a run; fixed while it lasts.</summary>
public sealed record RunDefinition
{
    /// <summary>The run.</summary>
    public required RunId Run { get; init; }

    /// <summary>The coordinator's life, from 1; one more with each resume.</summary>
    public int Term { get; init; } = 1;

    /// <summary>Epochs, steps, batches and slices.</summary>
    public required TrainingPlan Plan { get; init; }

    /// <summary>Samples of the validation split; 0 for none. Validation follows each epoch.</summary>
    public int ValidationSamples { get; init; }

    /// <summary>What to do with a non-finite gradient.</summary>
    public NonFinitePolicy NonFinite { get; init; } = NonFinitePolicy.Stop;

    /// <summary>How many workers must be present before the first shard of a term is given out, at least 1. Later any number will do.</summary>
    public int MinimumWorkers { get; init; } = 1;

    /// <summary>How often to write checkpoints, besides each epoch's end.</summary>
    public CheckpointOptions Checkpoints { get; init; } = new();
}

/// <summary>The numeric side of the coordinator: parameters, optimizer, training state, checkpoints and results.</summary>
/// <remarks>
/// <para>All members are called one at a time, on the coordinator's dedicated thread or, merges and the completion of a step alone, on the thread that brought the last answer (a compute thread of the same process, the reader of a connection), except <see cref="Definition"/>, which never changes.
/// <see cref="IDisposable.Dispose"/> is called on it last. Nothing may be kept of the nodes after a call: their leases are returned by the caller.</para>
/// <para>Any member may throw: a <see cref="DistNetException"/> ends the run with its sentence, anything else as a bug. Either way
/// <see cref="Finish"/> follows with <see cref="RunOutcomeKind.Failed"/>, and nothing else after it.</para>
/// <para>The order: (Merge* CompleteStep [SkipStep] [CompleteValidation] [WriteCheckpoint])* then EndTraining Finish; a run that is stopped goes from
/// WriteCheckpoint to Finish. A checkpoint is asked for only where nothing is owed: an ended epoch has been validated. One resumed from a checkpoint of a
/// finished training begins with EndTraining.</para>
/// </remarks>
public interface ITrainingRun : IDisposable
{
    /// <summary>What the run machine must know.</summary>
    RunDefinition Definition { get; }

    /// <summary>The training state now: the fresh one, or the resumed checkpoint's, when the coordinator starts.</summary>
    TrainingState State { get; }

    /// <summary>The parameters now. Overwritten by CompleteStep, SkipStep, CompleteValidation and EndTraining alone, between <see cref="VersionedParameters.BeginOverwrite"/> and
    /// <see cref="VersionedParameters.EndOverwrite"/>.</summary>
    ParameterHandle Parameters { get; }

    /// <summary>Sums the nodes, updates the parameters and advances the state. A sum that is not finite changes nothing and is reported.</summary>
    /// <remarks>Either way the parameters get the next version (the one before + 1): shards of the step that follows are given out under it before it is there. After an epoch's last step,
    /// which nothing follows at once, it may be a later one, with what the validation judges.</remarks>
    /// <param name="step">The step, equal to the state's.</param>
    /// <param name="nodes">A disjoint cover of the batch's slices, each node with its gradient, in any order.</param>
    StepReport CompleteStep(long step, ReadOnlySpan<ShardNode> nodes);

    /// <summary>Sums two nodes of the step under way, halves of one node of the canonical tree, while other workers still compute: the left one's gradient
    /// becomes left + right, exactly as <see cref="CompleteStep"/> would sum them. Parameters and state stay as they are.</summary>
    /// <param name="left">The left half; its gradient is overwritten.</param>
    /// <param name="right">The right half; the caller returns its lease.</param>
    void Merge(ShardNode left, ShardNode right);

    /// <summary>Advances the state past a step whose gradient is not finite; weights, slots and t stay as they are. After an epoch's last step the parameters may get a version
    /// with what the validation judges.</summary>
    /// <param name="step">The step, equal to the state's.</param>
    /// <param name="finding">The sentence that names step, slice, layer and worker, for the run's record.</param>
    StepReport SkipStep(long step, string finding);

    /// <summary>Sums the validation metrics and applies early stopping, best-so-far and plateau to the state. What is trained takes the parameters' place again.</summary>
    /// <param name="nodes">A disjoint cover of the validation split's slices, without gradients, in any order.</param>
    ValidationReport CompleteValidation(ReadOnlySpan<ShardNode> nodes);

    /// <summary>Writes a checkpoint; when it returns, a kill loses nothing before it.</summary>
    /// <param name="reason">Why, for the log.</param>
    CheckpointReport WriteCheckpoint(string reason);

    /// <summary>Looks whether the run folder is still this coordinator's, and throws where another one has taken it over. Asked from time to time, so that a coordinator that
    /// only waits keeps no workers from the one that leads.</summary>
    void VerifyFolder()
    {
    }

    /// <summary>The training is over: restores the best parameters where early stopping asks for it. No checkpoint follows.</summary>
    void EndTraining();

    /// <summary>Writes the results (the model and the run's record when finished; what there is otherwise). Called once, last.</summary>
    /// <param name="outcome">How the run ended.</param>
    void Finish(RunOutcome outcome);
}
