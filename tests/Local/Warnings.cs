using DistNet.Runs;

namespace DistNet.Local.Tests;

/// <summary>The warnings of a run.</summary>
internal sealed class Warnings : IRunObserver
{
    public List<string> Sentences { get; } = [];

    public void OnWarning(string sentence) => Sentences.Add(sentence);
}
