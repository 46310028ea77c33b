using DistNet.Checkpoints;
using DistNet.Interchange;
using DistNet.Tensors;

namespace DistNet.Training;

/// <summary>Writes a run to its folder: checkpoints, a row of metrics per epoch, and the final model. Before each write it looks whether the folder is still
/// this coordinator's.</summary>
public sealed class RunRecorder : IDisposable
{
    private readonly RunFolder folder;
    private readonly RunJournal journal;
    private readonly CheckpointStore store;
    private readonly MetricsFile metrics;
    private readonly TimeProvider time;
    private readonly long started;

    /// <summary>Opens the folder's files; rows of metrics after the resumed checkpoint are removed.</summary>
    /// <param name="folder">The run's folder, held by this process.</param>
    /// <param name="journal">The journal of this life of the coordinator.</param>
    /// <param name="keep">How many checkpoints to keep, besides the best.</param>
    /// <param name="resumedEpochs">The epochs completed in the checkpoint that is resumed; 0 starts anew.</param>
    /// <param name="time">The clock of the metrics.</param>
    public RunRecorder(RunFolder folder, RunJournal journal, int keep, int resumedEpochs, TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(folder);
        ArgumentNullException.ThrowIfNull(journal);
        ArgumentNullException.ThrowIfNull(time);
        this.folder = folder;
        this.journal = journal;
        this.time = time;
        store = new CheckpointStore(folder.Path, keep);
        metrics = MetricsFile.Open(folder.MetricsCsv, resumedEpochs);
        started = time.GetTimestamp();
    }

    /// <summary>Appends an epoch's row.</summary>
    /// <param name="state">The state at its end, after the validation.</param>
    /// <param name="learningRate">The rate of its last step.</param>
    /// <param name="gradientNorm">The norm of its last gradient.</param>
    /// <param name="samplesPerSecond">The speed so far.</param>
    public void EpochEnded(TrainingState state, double learningRate, double gradientNorm, double samplesPerSecond)
    {
        ArgumentNullException.ThrowIfNull(state);
        journal.Verify();
        metrics.Append(new MetricsRow
        {
            Epoch = state.Epoch,
            Step = state.Step,
            LearningRate = learningRate,
            TrainLoss = state.LastTrainLoss,
            TrainAccuracy = state.LastTrainAccuracy,
            ValidationLoss = state.LastValidationLoss,
            ValidationAccuracy = state.LastValidationAccuracy,
            GradientNorm = gradientNorm,
            SamplesPerSecond = samplesPerSecond,
            Seconds = time.GetElapsedTime(started).TotalSeconds,
        });
    }

    /// <summary>Looks whether the folder is still this coordinator's.</summary>
    /// <exception cref="DistNetException">Another coordinator has taken it over.</exception>
    public void Verify() => journal.Verify();

    /// <summary>Writes a checkpoint; when it returns, it is durable.</summary>
    /// <returns>Its folder.</returns>
    public string Write(Checkpoint checkpoint)
    {
        journal.Verify();
        return store.Write(checkpoint);
    }

    /// <summary>Writes the final model's parameters, under PyTorch's names, for other programs to read.</summary>
    /// <param name="parameters">The parameters.</param>
    /// <param name="updates">The number of updates.</param>
    public void WriteModel(Arena parameters, long updates)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        journal.Verify();
        AtomicFile.Write(folder.Model, stream => ModelExport.WriteParameters(stream, parameters, updates));
    }

    /// <summary>Closes the files.</summary>
    public void Dispose() => metrics.Dispose();
}
