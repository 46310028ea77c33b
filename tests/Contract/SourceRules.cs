using System.Text.RegularExpressions;

namespace DistNet.Contract.Tests;

/// <summary>A call or type that may not stand in a folder's code, and why.</summary>
/// <param name="Name">What is banned.</param>
/// <param name="Pattern">A regular expression over code without comments and literals.</param>
/// <param name="Reason">Why, and what to use instead.</param>
/// <param name="Example">A line that the rule must find; keeps the expression honest.</param>
public sealed record SourceRule(string Name, string Pattern, string Reason, string Example)
{
    /// <summary>All findings in a file's source, as <c>file:line: text</c>.</summary>
    public IEnumerable<string> Findings(string file, string source)
    {
        string code = SourceCode.WithoutCommentsAndLiterals(source);
        foreach (Match match in Regex.Matches(code, Pattern, RegexOptions.CultureInvariant))
        {
            yield return $"{file}:{SourceCode.LineOf(code, match.Index)}: {match.Value.Trim()}";
        }
    }

    /// <summary>The name, for the test's display.</summary>
    public override string ToString() => Name;
}

/// <summary>The rules for <c>src/</c>. The analyzer list src/BannedSymbols.txt says the same to an editor; a scan also sees generated names and unresolved overloads.</summary>
internal static class SourceRules
{
    private const string Transcendental =
        "Exp|Exp2|Exp10|ExpM1|Exp2M1|Exp10M1|Log|Log2|Log10|LogP1|Log2P1|Log10P1|Pow|Cbrt|RootN|Hypot|" +
        "Sin|Cos|Tan|SinCos|SinPi|CosPi|TanPi|SinCosPi|Asin|Acos|Atan|Atan2|AsinPi|AcosPi|AtanPi|Atan2Pi|Sinh|Cosh|Tanh|Asinh|Acosh|Atanh";

    private const string Pool = "Akka's heartbeats and sockets live on the ThreadPool and a saturated pool loses every node: compute runs on a ThreadTeam or a dedicated thread.";
    private const string Bits = "Its bits depend on the machine or its C runtime: use CanonicalFunctions.";

    public static SourceRule[] All { get; } =
    [
        new("Task.Run", @"\bTask\s*\.\s*Run\b", Pool, "Task.Run(() => Work());"),
        new("Task.Factory.StartNew", @"\bTask\s*\.\s*Factory\b|\bTaskFactory\b", Pool, "Task.Factory.StartNew(Work);"),
        new("Parallel", @"\bParallel\s*\.\s*(For|ForEach|Invoke|ForAsync|ForEachAsync)\b", Pool, "Parallel.For(0, 9, Work);"),
        new("PLINQ", @"\bAsParallel\b|\bParallelEnumerable\b", Pool, "items.AsParallel().Select(x => x);"),
        new("ThreadPool work items", @"\bThreadPool\s*\.\s*(Unsafe)?QueueUserWorkItem\b", Pool, "ThreadPool.UnsafeQueueUserWorkItem(item, false);"),
        new("Thread.Sleep", @"\bThread\s*\.\s*Sleep\b", "Wait for a state, never for a time.", "Thread.Sleep(10);"),
        new("Math's transcendental functions", $@"\bMathF?\s*\.\s*({Transcendental})\b", Bits, "float y = MathF.Exp(x);"),
        new("float's and double's transcendental functions", $@"\b(float|double|Single|Double|Half|TFloat)\s*\.\s*({Transcendental})\b", Bits, "double y = double.Pow(x, 2);"),
        new("vector transcendental functions", $@"\bVector(64|128|256|512)\s*\.\s*({Transcendental})\b", Bits, "var y = Vector256.Exp(x);"),
        new("estimates", @"\.\s*(Reciprocal\w*|\w+Estimate)\s*\(", "Estimates differ between processors: divide and take square roots.", "var y = Vector128.ReciprocalSqrtEstimate(x);"),
        new("native min, max and conversions", @"\.\s*(Min|Max|Clamp|ConvertTo\w+|MultiplyAdd|Shuffle)Native\s*\(", "The result at the edges differs between processors.", "var y = Vector128.MinNative(a, b);"),
        new("sums across lanes", @"\bVector(64|128|256|512)?\s*\.\s*(Sum|Dot)\s*\(", "Its order depends on the width: use the 16 virtual lanes and their fixed combination.", "float s = Vector512.Sum(x);"),
        new("Vector<T>", @"\bVector\s*<", "Its width is the machine's: kernels are generic over IVectorOps.", "Vector<float> x = default;"),
        new("TensorPrimitives", @"\bTensorPrimitives\b", Bits, "TensorPrimitives.Exp(x, y);"),
        new("System.Random", @"\bnew\s+Random\s*\(|\bRandom\s*\.\s*Shared\b|\bSystem\s*\.\s*Random\b|\bRandom\s+\w+\s*=\s*new\s*\(", "Randomness is a pure function of a key: use KeyedRandom.", "Random random = new(1);"),
        new("unfinished work", @"\bNotImplementedException\b", "Land it finished.", "throw new NotImplementedException();"),
    ];
}
