namespace DistNet.Local;

/// <summary>Told of what happens beside the training itself.</summary>
/// <remarks>Called on the coordinator's thread, one call at a time: return soon, do not throw.</remarks>
public interface IRunObserver
{
    /// <summary>Something the user should know that does not stop the run (a torn checkpoint, a failed worker, a skipped step).</summary>
    /// <param name="sentence">One clear sentence.</param>
    void Warning(string sentence);

    /// <summary>A checkpoint was written and is durable.</summary>
    /// <param name="folder">Its folder.</param>
    /// <param name="step">The steps completed in it.</param>
    void CheckpointWritten(string folder, long step);
}
