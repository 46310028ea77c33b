using System.Security.Cryptography;
using System.Text;

namespace DistNet.Protocol.Security;

/// <summary>The secret that a worker must know to take part. It is never shown: its text is a number of stars.</summary>
public sealed class JoinToken
{
    /// <summary>Shorter ones are refused: they can be guessed.</summary>
    public const int FewestCharacters = 16;

    /// <summary>Longer ones are refused: no secret needs more, and it travels in every <c>Attend</c>.</summary>
    public const int MostCharacters = 512;

    /// <summary>The environment variable that holds the token where no file is given.</summary>
    public const string Variable = "DISTNET_TOKEN";

    private readonly byte[] hash;

    private JoinToken(string secret)
    {
        Secret = secret;
        hash = SHA256.HashData(Encoding.UTF8.GetBytes(secret));
    }

    /// <summary>The secret itself, to be sent over the tensor plane; never to be logged.</summary>
    public string Secret { get; }

    /// <summary>A random token of 256 bits.</summary>
    public static JoinToken Random() => new(Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32)));

    /// <summary>The token of a file or, without one, of the environment; null when there is neither.</summary>
    /// <param name="file">The file's path; white space around the token is not part of it.</param>
    /// <exception cref="DistNetException">The file cannot be read, or the token is too short or too long.</exception>
    public static JoinToken? Read(string? file) => Read(file, Environment.GetEnvironmentVariable(Variable));

    /// <summary>Whether a secret from the wire is this one; the time it takes tells nothing about where they differ.</summary>
    public bool Matches(string? secret) =>
        secret is { Length: <= MostCharacters } && CryptographicOperations.FixedTimeEquals(hash, SHA256.HashData(Encoding.UTF8.GetBytes(secret)));

    /// <summary>Stars.</summary>
    public override string ToString() => "****";

    /// <summary>As <see cref="Read(string?)"/>, with the variable's value given.</summary>
    internal static JoinToken? Read(string? file, string? variable)
    {
        if (file is null)
        {
            return string.IsNullOrEmpty(variable) ? null : Check(variable.Trim(), $"the environment variable {Variable}");
        }

        try
        {
            return Check(File.ReadAllText(file).Trim(), $"--token-file {file}");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw DistNetException.Usage($"--token-file {file} cannot be read ({error.Message.TrimEnd('.')}); expected a file with a token of at least {FewestCharacters} characters.", error);
        }
    }

    private static JoinToken Check(string secret, string where)
    {
        if (secret.Length is < FewestCharacters or > MostCharacters)
        {
            throw DistNetException.Usage($"{where} holds a token of {secret.Length} characters; expected {FewestCharacters} to {MostCharacters}, for instance those of `openssl rand -hex 32`.");
        }

        return secret.AsSpan().ContainsAnyExceptInRange('!', '~')
            ? throw DistNetException.Usage($"{where} holds a token with spaces or characters outside ASCII; expected one word, for instance of `openssl rand -hex 32`.")
            : new(secret);
    }
}
