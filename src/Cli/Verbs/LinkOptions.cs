using System.CommandLine;
using System.Globalization;
using DistNet.Advice;

namespace DistNet.Cli.Verbs;

/// <summary>A stated network: <c>--bandwidth 1Gbit --latency 0.2ms</c>.</summary>
internal sealed class LinkOptions
{
    private const string DefaultBandwidth = "1Gbit";
    private const string DefaultLatency = "0.2ms";

    private static readonly (string Unit, double Bits)[] Rates =
        [("kbit", 1e3), ("Mbit", 1e6), ("Gbit", 1e9), ("kB", 8e3), ("MB", 8e6), ("GB", 8e9), ("bit", 1)];

    private static readonly (string Unit, double Seconds)[] Times = [("us", 1e-6), ("µs", 1e-6), ("ms", 1e-3), ("s", 1)];

    public Option<string?> Bandwidth { get; } = new("--bandwidth")
    {
        Description = $"The rate of the coordinator's network link, which its workers share; by default {DefaultBandwidth}.",
        HelpName = "RATE",
    };

    public Option<string?> Latency { get; } = new("--latency")
    {
        Description = $"A round trip between two machines, as ping shows it; by default {DefaultLatency}.",
        HelpName = "TIME",
    };

    /// <summary>Reads both.</summary>
    /// <exception cref="DistNetException">One of them is no rate or no time.</exception>
    public NetworkLink Read(ParseResult parsed) => new(
        Quantity(parsed.GetValue(Bandwidth) ?? DefaultBandwidth, Bandwidth.Name, Rates, mayBeZero: false, "a rate such as 1Gbit, 200Mbit or 50MB (a second)"),
        Quantity(parsed.GetValue(Latency) ?? DefaultLatency, Latency.Name, Times, mayBeZero: true, "a time such as 0.2ms or 50us"));

    /// <summary>A number and its unit, in the smallest unit.</summary>
    internal static double Quantity(string text, string option, (string Unit, double Factor)[] units, bool mayBeZero, string expected)
    {
        string quantity = text.EndsWith("/s", StringComparison.Ordinal) ? text[..^2] : text;
        foreach ((string unit, double factor) in units.OrderByDescending(unit => unit.Unit.Length))
        {
            if (quantity.EndsWith(unit, StringComparison.OrdinalIgnoreCase)
                && double.TryParse(quantity[..^unit.Length].TrimEnd(), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double value)
                && double.IsFinite(value * factor) && (value > 0 || (mayBeZero && value == 0)))
            {
                return value * factor;
            }
        }

        throw DistNetException.Usage($"{option} is '{text}'; expected {expected}.");
    }
}
