namespace DistNet.Training;

/// <summary>Measures samples per second as it is reported everywhere: wall clock from the end of step 10 to the end of the last step, less validation and
/// checkpoints, nothing else. The first steps compile code and warm caches.</summary>
/// <param name="time">The clock.</param>
public sealed class Throughput(TimeProvider time)
{
    private const int WarmUpSteps = 10;

    private long steps;
    private long samples;
    private long started;
    private long lastStep;
    private long pausedAt;
    private long paused;

    /// <summary>Samples per second; 0 before there are steps to measure.</summary>
    public double SamplesPerSecond
    {
        get
        {
            double seconds = Seconds(lastStep - started - PausedBeforeLastStep);
            return samples > 0 && seconds > 0 ? samples / seconds : 0;
        }
    }

    private long PausedBeforeLastStep { get; set; }

    /// <summary>A step has ended.</summary>
    /// <param name="batchSamples">Its samples.</param>
    public void StepEnded(int batchSamples)
    {
        long now = time.GetTimestamp();
        steps++;
        lastStep = now;
        if (steps <= WarmUpSteps)
        {
            started = now;
            paused = 0;
        }
        else
        {
            samples += batchSamples;
        }

        PausedBeforeLastStep = paused;
    }

    /// <summary>Something that is not counted begins now.</summary>
    /// <param name="sinceLastStep">Whether it began when the last step ended: a validation is dispatched at once.</param>
    public void Pause(bool sinceLastStep = false) => pausedAt = sinceLastStep ? lastStep : time.GetTimestamp();

    /// <summary>It ended.</summary>
    public void Resume() => paused += time.GetTimestamp() - pausedAt;

    private double Seconds(long ticks) => ticks / (double)time.TimestampFrequency;
}
