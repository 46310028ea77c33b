using System.Globalization;
using DistNet.Modules;

namespace DistNet.Graphs;

/// <summary>Names the nodes of a chain by kind and number: <c>fc1</c>, <c>relu1</c>, <c>fc2</c>.</summary>
internal sealed class ChainNames
{
    private readonly Dictionary<string, int> counts = [];

    /// <summary>The next module's name.</summary>
    public string Next(Module module)
    {
        int number = counts[module.ShortName] = counts.GetValueOrDefault(module.ShortName) + 1;
        return module.ShortName + number.ToString(CultureInfo.InvariantCulture);
    }
}
