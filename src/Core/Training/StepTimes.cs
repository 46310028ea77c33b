using System.Diagnostics;

namespace DistNet.Training;

/// <summary>What the time of a training step goes to. The parts of a step add up to its wall clock.</summary>
public enum StepPart
{
    /// <summary>The worker that answered last computed.</summary>
    Compute,

    /// <summary>Messages, wake-ups and transfers of that worker: from the first shard sent to the last answer, less its computation.</summary>
    Exchange,

    /// <summary>The canonical sum of what was not added while others still computed, the division, penalties and the norm.</summary>
    Sum,

    /// <summary>The optimizer's rule.</summary>
    Update,

    /// <summary>The modules prepare the new parameters (pack the weights).</summary>
    Prepare,

    /// <summary>Everything else from the last answer to the next shard sent: the coordinator's own messages, wake-ups and decisions.</summary>
    Decide,
}

/// <summary>Measures where the time of training steps goes, on average. A step costs some ten readings of the clock, so it is always on.</summary>
/// <remarks>The coordinator's actor calls everything but <see cref="Numeric"/>, which its numeric thread calls before it tells the actor; the means are read at any
/// time. The first steps, which compile code, are left out, and those that something else follows (a validation, a checkpoint).</remarks>
public sealed class StepTimes
{
    private const int WarmUpSteps = 10;

    private readonly long[] ticks = new long[Enum.GetValues<StepPart>().Length];
    private long steps;
    private long measured;
    private long waitTicks;
    private long sentAt;
    private long firstAnswerAt;
    private long lastAnswerAt;
    private long lastCompute;
    private (long Sum, long Update, long Prepare) numeric;
    private int answers;
    private bool updated;

    /// <summary>Steps that were measured.</summary>
    public long Steps => Volatile.Read(ref measured);

    /// <summary>How long the step's first answer waits for its last one, on average in milliseconds; a part of neither: the last worker computes meanwhile.</summary>
    public double MeanWaitMs => MeanMs(ref waitTicks);

    /// <summary>The mean of a part in milliseconds; 0 before there is one.</summary>
    public double MeanMs(StepPart part) => MeanMs(ref ticks[(int)part]);

    /// <summary>A shard of a training step is sent.</summary>
    public void Sent()
    {
        if (updated)
        {
            Close(Stopwatch.GetTimestamp());
            Forget();
        }

        if (sentAt == 0)
        {
            sentAt = Stopwatch.GetTimestamp();
        }
    }

    /// <summary>An answer of the step is accepted.</summary>
    /// <param name="seconds">How long its worker computed.</param>
    public void Answered(double seconds)
    {
        lastAnswerAt = Stopwatch.GetTimestamp();
        lastCompute = (long)(seconds * Stopwatch.Frequency);
        firstAnswerAt = answers++ == 0 ? lastAnswerAt : firstAnswerAt;
    }

    /// <summary>The numeric side has completed the step; on its thread.</summary>
    /// <param name="begun">When it began, as <see cref="Stopwatch.GetTimestamp"/> tells.</param>
    /// <param name="summed">When the gradient stood at the root.</param>
    /// <param name="updatedAt">When the parameters were new.</param>
    /// <param name="prepared">When they were prepared.</param>
    public void Numeric(long begun, long summed, long updatedAt, long prepared) => numeric = (summed - begun, updatedAt - summed, prepared - updatedAt);

    /// <summary>The actor has heard that the step is complete.</summary>
    public void Updated() => updated = sentAt != 0 && answers > 0;

    /// <summary>Something else than the next step follows, or the step is not to be completed: it is not measured.</summary>
    public void Forget()
    {
        (sentAt, answers, updated) = (0, 0, false);
        numeric = default;
    }

    private void Close(long now)
    {
        if (steps++ < WarmUpSteps)
        {
            return;
        }

        Add(StepPart.Compute, lastCompute);
        Add(StepPart.Exchange, lastAnswerAt - sentAt - lastCompute);
        Add(StepPart.Sum, numeric.Sum);
        Add(StepPart.Update, numeric.Update);
        Add(StepPart.Prepare, numeric.Prepare);
        Add(StepPart.Decide, now - lastAnswerAt - numeric.Sum - numeric.Update - numeric.Prepare);
        Volatile.Write(ref waitTicks, waitTicks + lastAnswerAt - firstAnswerAt);
        Volatile.Write(ref measured, measured + 1);
    }

    private void Add(StepPart part, long spent) => Volatile.Write(ref ticks[(int)part], ticks[(int)part] + spent);

    private double MeanMs(ref long spent) => Steps == 0 ? 0 : Volatile.Read(ref spent) * 1000.0 / Stopwatch.Frequency / Steps;
}
