using DistNet.Checkpoints;

namespace DistNet.Runs;

/// <summary>Sees a run's progress. Called by the coordinator in order, one call at a time; a member must return quickly (the run waits) and not throw.</summary>
public interface IRunObserver
{
    /// <summary>The run's folder is open. Told once, first, where there is a folder.</summary>
    /// <param name="journal">Says whether the folder is still this process's: asked before anything is written there.</param>
    void OnOpened(RunJournal journal)
    {
    }

    /// <summary>A worker joined, left, was set aside or came back.</summary>
    /// <param name="worker">Which.</param>
    /// <param name="workers">The workers that are present now.</param>
    /// <param name="sentence">What happened.</param>
    void OnWorkers(WorkerId worker, int workers, string sentence)
    {
    }

    /// <summary>A worker's answer counts.</summary>
    /// <param name="worker">Whose.</param>
    /// <param name="phase">To what.</param>
    /// <param name="samples">How many samples it covers.</param>
    void OnAccepted(WorkerId worker, RunPhase phase, long samples)
    {
    }

    /// <summary>A step was completed or skipped.</summary>
    void OnStep(StepReport report)
    {
    }

    /// <summary>An epoch's validation was completed.</summary>
    void OnValidation(ValidationReport report)
    {
    }

    /// <summary>A checkpoint was written.</summary>
    void OnCheckpoint(CheckpointReport report)
    {
    }

    /// <summary>Something the user should know and the run survives: a failed shard, a late worker, a skipped step.</summary>
    /// <param name="sentence">One sentence.</param>
    void OnWarning(string sentence)
    {
    }

    /// <summary>The run has ended; nothing follows.</summary>
    void OnFinished(RunOutcome outcome)
    {
    }
}
