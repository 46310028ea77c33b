using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace DistNet;

/// <summary>Assertions that stay on in Release: a broken invariant is a bug, and a bug must not train on.</summary>
public static class Invariant
{
    /// <summary>Throws <see cref="InvalidOperationException"/> unless <paramref name="condition"/> holds.</summary>
    /// <param name="condition">What must be true.</param>
    /// <param name="expression">The condition's text; filled in by the compiler.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Holds([DoesNotReturnIf(false)] bool condition, [CallerArgumentExpression(nameof(condition))] string expression = "")
    {
        if (!condition)
        {
            Broken(expression);
        }
    }

    [DoesNotReturn]
    private static void Broken(string expression) => throw new InvalidOperationException($"A bug in DistNet: the invariant '{expression}' does not hold.");
}
