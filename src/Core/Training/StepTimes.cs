using System.Diagnostics;

namespace DistNet.Training;

/// <summary>What the time of a training step goes to. The parts of a step add up to its wall clock: from the moment that its parameters are ready and its first
/// shard is given out to the moment that the next ones' are ready.</summary>
public enum StepPart
{
    /// <summary>The worker that answered last computed.</summary>
    Compute,

    /// <summary>Messages, wake-ups and transfers of that worker: up to the last answer, less its computation.</summary>
    Exchange,

    /// <summary>The canonical sum of what was not added while others still computed, the division, penalties and the norm.</summary>
    Sum,

    /// <summary>The optimizer's rule.</summary>
    Update,

    /// <summary>Everything else after the last answer: the coordinator's own wake-ups and decisions.</summary>
    Decide,
}

/// <summary>Measures where the time of training steps goes, on average, and what this process allocates on the managed heap meanwhile. A step costs some ten readings
/// of the clock, so it is always on.</summary>
/// <remarks>The coordinator's actor calls everything but <see cref="Numeric"/>, which its numeric side calls before it tells the actor; the means are read at any
/// time. The first steps, which compile code, are left out.</remarks>
public sealed class StepTimes
{
    private const int WarmUpSteps = 10;

    private readonly long[] ticks = new long[Enum.GetValues<StepPart>().Length];
    private long steps;
    private long measured;
    private long waitTicks;
    private long readyAt;
    private long allocated;
    private long allocatedWhenUpdated;
    private Computation computed;
    private Computation completing;
    private (long Begun, long Summed, long Updated) numeric;

    /// <summary>Steps that were measured.</summary>
    public long Steps => Volatile.Read(ref measured);

    /// <summary>How long the step's first answer waits for its last one, on average in milliseconds; a part of neither: the last worker computes meanwhile.</summary>
    public double MeanWaitMs => MeanMs(ref waitTicks);

    /// <summary>Messages, wake-ups and transfers, to the workers and back, on average in milliseconds.</summary>
    public double MeanCommunicationMs => MeanMs(StepPart.Exchange) + MeanMs(StepPart.Decide);

    /// <summary>Managed bytes that all threads of this process allocated while a step went on, on average. Compute and tensors allocate nothing: these are control's messages
    /// and decisions. Validations and checkpoints between steps do not count.</summary>
    public double MeanAllocatedBytes => Steps == 0 ? 0 : Volatile.Read(ref allocated) / (double)Steps;

    /// <summary>The mean of a part in milliseconds; 0 before there is one.</summary>
    public double MeanMs(StepPart part) => MeanMs(ref ticks[(int)part]);

    /// <summary>A shard of a training step is sent; perhaps while the one before is being completed.</summary>
    public void Sent()
    {
        if (computed.SentAt == 0)
        {
            computed.SentAt = Stopwatch.GetTimestamp();
            computed.AllocatedWhenSent = GC.GetTotalAllocatedBytes();
        }
    }

    /// <summary>An answer of the step is accepted.</summary>
    /// <param name="seconds">How long its worker computed.</param>
    public void Answered(double seconds)
    {
        long now = Stopwatch.GetTimestamp();
        computed.FirstAnswerAt = computed.FirstAnswerAt == 0 ? now : computed.FirstAnswerAt;
        computed.LastAnswerAt = now;
        computed.LastSeconds = seconds;
    }

    /// <summary>All answers of the step are accepted: the numeric side has the word.</summary>
    public void Completes()
    {
        completing = computed;
        computed = default;
    }

    /// <summary>The numeric side has completed the step; on its thread. Times as <see cref="Stopwatch.GetTimestamp"/> tells them.</summary>
    /// <param name="begun">When it began.</param>
    /// <param name="summed">When the gradient stood at the root.</param>
    /// <param name="updated">When the parameters were new.</param>
    public void Numeric(long begun, long summed, long updated) => numeric = (begun, summed, updated);

    /// <summary>The actor has heard that the step is complete.</summary>
    public void Updated()
    {
        long allocatedNow = GC.GetTotalAllocatedBytes();
        if (completing.SentAt != 0 && completing.LastAnswerAt != 0 && steps++ >= WarmUpSteps)
        {
            long began = Math.Max(completing.SentAt, readyAt);
            long compute = (long)(completing.LastSeconds * Stopwatch.Frequency);
            Add(StepPart.Compute, compute);
            Add(StepPart.Exchange, completing.LastAnswerAt - began - compute);
            Add(StepPart.Decide, numeric.Begun - completing.LastAnswerAt);
            Add(StepPart.Sum, numeric.Summed - numeric.Begun);
            Add(StepPart.Update, numeric.Updated - numeric.Summed);
            Volatile.Write(ref waitTicks, waitTicks + completing.LastAnswerAt - completing.FirstAnswerAt);
            Volatile.Write(ref allocated, allocated + allocatedNow - Math.Max(completing.AllocatedWhenSent, allocatedWhenUpdated));
            Volatile.Write(ref measured, measured + 1);
        }

        allocatedWhenUpdated = allocatedNow;
        readyAt = numeric.Updated;
        completing = default;
    }

    /// <summary>What was sent is not to be completed, or is no training step.</summary>
    public void Forget() => (computed, completing) = (default, default);

    private void Add(StepPart part, long spent) => Volatile.Write(ref ticks[(int)part], ticks[(int)part] + spent);

    private double MeanMs(ref long spent) => Steps == 0 ? 0 : Volatile.Read(ref spent) * 1000.0 / Stopwatch.Frequency / Steps;

    private struct Computation
    {
        public long SentAt;
        public long AllocatedWhenSent;
        public long FirstAnswerAt;
        public long LastAnswerAt;
        public double LastSeconds;
    }
}
