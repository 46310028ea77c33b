namespace DistNet.Advice;

/// <summary>Where the time of one step goes, as predicted. All in seconds; the parts follow one another.</summary>
/// <param name="Workers">How many workers there are.</param>
/// <param name="Batch">Samples of the step.</param>
/// <param name="Compute">The worker with the largest shard computes.</param>
/// <param name="Transfer">Parameters down, gradients up, over the network.</param>
/// <param name="Exchange">Messages and wake-ups.</param>
/// <param name="Complete">The coordinator sums and updates.</param>
public sealed record StepPrediction(int Workers, int Batch, double Compute, double Transfer, double Exchange, double Complete)
{
    /// <summary>The whole step.</summary>
    public double Seconds => Compute + Transfer + Exchange + Complete;

    /// <summary>What the step is for, divided by its time.</summary>
    public double SamplesPerSecond => Batch / Seconds;

    /// <summary>Whether workers wait for messages and transfers longer than they compute.</summary>
    public bool CommunicationOutweighs => CommunicationRule.Outweighs(Compute, Transfer + Exchange);

    /// <summary>The share of a worker's time that this many workers leave it: samples a second of each, over those of one worker on the coordinator's machine.</summary>
    /// <param name="one">The prediction for that one.</param>
    public double EfficiencyAgainst(StepPrediction one)
    {
        ArgumentNullException.ThrowIfNull(one);
        return SamplesPerSecond / (Workers * one.SamplesPerSecond);
    }
}
