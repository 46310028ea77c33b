using DistNet.Training;

namespace DistNet.Cli.Consoles;

/// <summary>What is known when the training starts.</summary>
/// <param name="JobFile">The job file's path.</param>
/// <param name="RunFolder">The run folder's path.</param>
/// <param name="Resumed">Whether it goes on from a checkpoint.</param>
/// <param name="Parameters">The model's floats.</param>
/// <param name="TrainSamples">Training samples.</param>
/// <param name="ValidationSamples">Validation samples.</param>
/// <param name="TestSamples">Test samples.</param>
/// <param name="Epochs">Epochs of the whole run.</param>
/// <param name="StepsPerEpoch">Steps of one epoch.</param>
/// <param name="Workers">Worker actors; 0 where workers are processes that join and leave.</param>
/// <param name="Threads">Compute threads of each; 0 likewise.</param>
internal sealed record RunStart(
    string JobFile,
    string RunFolder,
    bool Resumed,
    long Parameters,
    int TrainSamples,
    int ValidationSamples,
    int TestSamples,
    int Epochs,
    int StepsPerEpoch,
    int Workers,
    int Threads);

/// <summary>How a run is shown while it goes on: lines, a live line, JSON, or nothing. Called on the command's own thread alone.</summary>
internal abstract class RunDisplay
{
    /// <summary>When what is shown next has happened.</summary>
    public DateTimeOffset Time { get; set; } = DateTimeOffset.UtcNow;

    public virtual void Start(RunStart start)
    {
    }

    /// <summary>The latest progress; called at most twice a second.</summary>
    public virtual void Progress(TrainingProgress progress)
    {
    }

    /// <summary>An epoch has ended; every epoch is told.</summary>
    public virtual void Epoch(TrainingProgress progress)
    {
    }

    public virtual void Checkpoint(long step, string reason)
    {
    }

    /// <summary>A coordinator takes workers.</summary>
    /// <param name="address">What a worker is given to join.</param>
    /// <param name="controlPort">The control plane's port.</param>
    public virtual void Listening(string address, int controlPort) => Message($"workers join with: distnet worker --join {address}");

    /// <summary>A worker has joined or left.</summary>
    /// <param name="worker">Which.</param>
    /// <param name="before">How many were present before.</param>
    /// <param name="present">How many are now.</param>
    /// <param name="sentence">What happened.</param>
    public virtual void Workers(string worker, int before, int present, string sentence) => Message(sentence);

    public virtual void Message(string sentence)
    {
    }

    public virtual void Warning(string sentence)
    {
    }

    /// <summary>The training has ended, before the summary.</summary>
    public virtual void End()
    {
    }
}
