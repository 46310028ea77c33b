using System.Globalization;

namespace DistNet.Advice;

/// <summary>When a run spends more on talking than on computing, and what is said of it.</summary>
public static class CommunicationRule
{
    /// <summary>A run that has lost less than this to communication is too short for advice.</summary>
    public const double WorthAWordSeconds = 1;

    /// <summary>The rule: messages, wake-ups and transfers take longer than the worker that answers last computes.</summary>
    /// <param name="compute">Computing, in any unit of time.</param>
    /// <param name="communication">Messages, wake-ups and transfers, in the same.</param>
    public static bool Outweighs(double compute, double communication) => communication > compute;

    /// <summary>The warning at the end of a run.</summary>
    /// <param name="computeMs">The mean of a step's computing.</param>
    /// <param name="communicationMs">The mean of its messages, wake-ups and transfers.</param>
    /// <param name="steps">How many steps the means are over.</param>
    /// <param name="batch">Samples of a step.</param>
    /// <param name="workers">Workers that took part.</param>
    /// <returns>One sentence; null where there is nothing to say.</returns>
    public static string? Warning(double computeMs, double communicationMs, long steps, int batch, int workers)
    {
        if (!Outweighs(computeMs, communicationMs) || communicationMs * steps < WorthAWordSeconds * 1000)
        {
            return null;
        }

        string fewer = workers > 1 ? ", fewer workers" : "";
        return string.Create(
            CultureInfo.InvariantCulture,
            $"communication outweighs computing: of each step {communicationMs:0.00} ms went to messages and transfers and {computeMs:0.00} ms to computing (means of {steps:#,0} steps of {batch:#,0} samples, {workers:#,0} {(workers == 1 ? "worker" : "workers")}); a larger training.batch{fewer} or, between machines, a faster link would help, and 'distnet bench' predicts by how much");
    }
}
